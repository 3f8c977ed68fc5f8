import { ageOfLag } from '../runtime/lag-age.ts';
import type { RuntimePorts } from '../runtime/ports.ts';
import { type PartitionLag, partitionLags, positionsOf } from '../runtime/sink-lag.ts';
import { taskStateOf, tasksOf } from '../runtime/task-state.ts';
import type { ConnectorRounds, CountedConnector } from '../storage/ports.ts';

/** Of all connectors. */
interface Totals {
  connectors: number;
  tasks: number;
  failed: number;
  waiting: number;
}
const nothing = (): Totals => ({ connectors: 0, tasks: 0, failed: 0, waiting: 0 });

/**
 * Counts what there is, and how far behind it is: what Kafka Connect's workers know of themselves. A look sees only what
 * is due; a task that runs or has failed is not, and is what people want to know of. So the census goes round all connectors: one
 * read of a megabyte of the table each time, whatever is stored. Some two hundred connectors are all told each time; more in turn.
 */
export class Census {
  readonly #ports: RuntimePorts;
  readonly #rounds: ConnectorRounds;
  #round = nothing();
  /** The last round that was whole. */
  #whole: Totals | null = null;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
    this.#rounds = ports.storage.control.rounds();
  }

  /** Never rejects: what cannot be told now is told the next time. */
  async take(): Promise<void> {
    const { logger } = this.#ports;
    try {
      const { connectors, last } = await this.#rounds.next();
      this.#countTasks(connectors, last);
      await this.#measureLag(connectors);
    } catch (error) {
      logger.warn('Connectors cannot be counted, or their lag cannot be told now', { error: String(error) });
    }
  }

  #countTasks(some: readonly CountedConnector[], last: boolean): void {
    const { metrics, clock } = this.#ports;
    const now = clock.now();
    for (const counted of some) {
      const connector = counted.spec.name;
      const counts = { RUNNING: 0, PAUSED: 0, FAILED: 0, UNASSIGNED: 0, RESTARTING: 0 };
      const tasks = tasksOf(counted);
      let waits = 0;
      for (const task of tasks) {
        const state = taskStateOf(counted.spec, task, now);
        counts[state]++;
        if (state === 'RUNNING' && task.circuit !== null) waits++;
      }
      this.#round.tasks += tasks.length;
      this.#round.failed += counts.FAILED;
      this.#round.waiting += waits;
      metrics.add('connector-total-task-count', tasks.length, { connector });
      metrics.add('connector-running-task-count', counts.RUNNING, { connector });
      metrics.add('connector-paused-task-count', counts.PAUSED, { connector });
      metrics.add('connector-failed-task-count', counts.FAILED, { connector });
      metrics.add('connector-unassigned-task-count', counts.UNASSIGNED, { connector });
      metrics.add('connector-restarting-task-count', counts.RESTARTING, { connector });
      metrics.add('connector-open-circuit-count', waits, { connector });
    }
    this.#round.connectors += some.length;
    if (last) {
      this.#whole = this.#round;
      this.#round = nothing();
    }
    if (this.#whole !== null) {
      metrics.add('connector-count', this.#whole.connectors, {});
      metrics.add('task-count', this.#whole.tasks, {});
    }
    // More trouble than in the last round is told before this one is over.
    metrics.add('FailedTasks', Math.max(this.#round.failed, this.#whole?.failed ?? 0), {});
    metrics.add('OpenCircuits', Math.max(this.#round.waiting, this.#whole?.waiting ?? 0), {});
  }

  async #measureLag(some: readonly CountedConnector[]): Promise<void> {
    const { kafka, metrics, clock } = this.#ports;
    const sinks = some.filter(({ spec, tasks }) => spec.type === 'sink' && spec.targetState !== 'STOPPED' && tasks.length > 0);
    const positions = sinks.flatMap(({ tasks }) => tasks.flatMap(positionsOf));
    if (positions.length === 0) return;
    const admin = kafka.admin();
    const lags = await partitionLags(admin, positions);
    let at = 0;
    const behind = new Map<string, PartitionLag[]>();
    for (const { spec, tasks } of sinks) {
      const connector = spec.name;
      const unread: PartitionLag[] = [];
      let lag = 0;
      for (const { task, partitions } of tasks) {
        let most = 0;
        const mine = lags.slice(at, at + partitions.length);
        at += partitions.length;
        for (const each of mine) {
          if (each.records === 0) continue;
          lag += each.records;
          most = Math.max(most, each.records);
          unread.push(each);
        }
        metrics.add('sink-record-lag-max', most, { connector, task });
      }
      metrics.add('sink-record-lag', lag, { connector });
      if (unread.length > 0) behind.set(connector, unread);
      else metrics.add('sink-lag-seconds', 0, { connector });
    }
    for (const [connector, seconds] of await ageOfLag(admin, behind, clock.now())) metrics.add('sink-lag-seconds', seconds, { connector });
  }
}
