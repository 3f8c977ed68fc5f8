import type { Clock } from '../connect/clock.ts';
import { ConnectException, NotFoundException } from '../connect/errors.ts';
import type { ConnectorSnapshot, ConnectorStore, TargetState, TaskItem } from '../storage/ports.ts';
import type { Herder } from './herder.ts';

/** A connector as a deployment declares it. */
export interface DeclaredConnector {
  readonly name: string;
  readonly config: Readonly<Record<string, string>>;
  readonly state: TargetState;
  /** The state is for a connector that is created (KIP-980's `initial_state`); afterwards people change it. Default: every deployment sees to it. */
  readonly onlyInitially?: boolean;
  /** Take over a connector of this name that somebody else made. */
  readonly adopt: boolean;
}

/** A task counts as running when it has not failed for so long after it began. */
const settleMs = 5_000;
const lookIntervalMs = 500;

/** Creates, changes and deletes connectors on behalf of a deployment, which wants to know whether they run before it goes on. */
export class ConnectorDeployment {
  readonly #herder: Herder;
  readonly #connectors: ConnectorStore;
  readonly #clock: Clock;

  constructor({ herder, connectors, clock }: { herder: Herder; connectors: ConnectorStore; clock: Clock }) {
    this.#herder = herder;
    this.#connectors = connectors;
    this.#clock = clock;
  }

  /**
   * Creates a connector. One of that name and another config is only taken over when `adopt` says so.
   * Throws BadRequestException for a wrong config, ConnectException when the name is taken, or as `waitUntilRunning` does.
   */
  async create(declared: DeclaredConnector, deadlineAt: number): Promise<void> {
    const existing = await this.#connectors.get(declared.name);
    if (existing !== null && !declared.adopt && !same(existing.config, withName(declared)))
      throw new ConnectException(
        `Connector ${declared.name} exists already, with another config, and does not belong to this stack. Delete it, choose another name, or set adopt to take it over with its offsets.`,
      );
    await this.update(declared, deadlineAt);
  }

  /** Gives a connector this config and state, and waits for it. Throws as `create`. */
  async update(declared: DeclaredConnector, deadlineAt: number): Promise<void> {
    const { name, onlyInitially = false } = declared;
    const startedAt = this.#clock.now();
    const existing = await this.#connectors.get(name);
    const state = existing !== null && onlyInitially ? existing.targetState : declared.state;
    if (existing === null) await this.#herder.createConnector({ name, config: declared.config, targetState: state });
    else {
      await this.#herder.putConnectorConfig(name, declared.config);
      if (onlyInitially) {
        // As its users left it.
      } else if (state === 'STOPPED') await this.#herder.stopConnector(name);
      else if (state === 'PAUSED') await this.#herder.pauseConnector(name);
      else await this.#herder.resumeConnector(name);
    }
    if (state === 'STARTED') await this.waitUntilRunning(name, startedAt, deadlineAt);
  }

  /** Deletes a connector; one that is gone already is fine. */
  async delete(name: string): Promise<void> {
    try {
      await this.#herder.deleteConnector(name);
    } catch (error) {
      if (!(error instanceof NotFoundException)) throw error;
    }
  }

  /**
   * Waits until every task has begun under the newest config and none has failed since.
   * Throws ConnectException with the trace of what failed, or telling what is missing at the deadline (milliseconds since the epoch).
   */
  async waitUntilRunning(name: string, startedAt: number, deadlineAt: number): Promise<void> {
    let runningSince: number | null = null;
    for (;;) {
      const snapshot = await this.#connectors.snapshot(name);
      if (snapshot === null) throw new ConnectException(`Connector ${name} was deleted while it was being deployed`);
      failOnFailure(snapshot);
      const missing = whatIsMissing(snapshot, startedAt);
      const now = this.#clock.now();
      if (missing !== null) runningSince = null;
      else runningSince ??= now;
      if (runningSince !== null && (now - runningSince >= settleMs || snapshot.tasks.every(({ lease }) => lease === null))) return;
      if (now >= deadlineAt)
        throw new ConnectException(
          `Connector ${name} does not run ${Math.round((now - startedAt) / 1000)} s after it was deployed: ${missing ?? 'its tasks have only just begun'}. Look into the log of the task function, and whether it can reach Kafka.`,
        );
      await this.#clock.sleep(lookIntervalMs);
    }
  }
}

function failOnFailure({ spec, status, tasks }: ConnectorSnapshot): void {
  if (status?.state === 'FAILED') throw new ConnectException(`Connector ${spec.name} is FAILED: ${status.trace ?? 'no trace was kept'}`);
  const failed = tasks.find(({ state, generation }) => state === 'FAILED' && generation === spec.generation);
  if (failed !== undefined) throw new ConnectException(`Task ${failed.task} of connector ${spec.name} is FAILED: ${failed.trace ?? 'no trace was kept'}`);
}

/** What keeps a connector from running, for people; null when nothing does. */
function whatIsMissing({ spec, tasks }: ConnectorSnapshot, startedAt: number): string | null {
  if (spec.plannedGeneration < spec.generation) return 'its task configs have not been made';
  const begun = ({ lease, lastSuccessAt }: TaskItem) => lease !== null || (lastSuccessAt !== null && lastSuccessAt >= Math.min(startedAt, spec.updatedAt));
  const idle = tasks.filter((task) => !begun(task));
  return idle.length === 0 ? null : `no run of task ${idle.map(({ task }) => task).join(', ')} has begun`;
}

function withName({ name, config }: DeclaredConnector): Readonly<Record<string, string>> {
  return { ...config, name };
}

function same(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}
