import { ageOfLag } from '../runtime/lag-age.ts';
import type { RuntimePorts } from '../runtime/ports.ts';
import { type PartitionLag, partitionLags, positionsOf } from '../runtime/sink-lag.ts';
import { taskStateOf, tasksOf } from '../runtime/task-state.ts';
import { type ConnectorSnapshot, DamagedItemException } from '../storage/ports.ts';

/** Connectors that are read at once. */
const parallelism = 32;

/**
 * Counts what there is, and how far behind it is: what Kafka Connect's workers know of themselves. A look sees only what
 * is due; a task that runs or has failed is not, and is what people want to know of. So every connector is read by its
 * key, once each time (one query of its few items, no scan): 43,200 queries a month each, about half a cent.
 */
export class Census {
  readonly #ports: RuntimePorts;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
  }

  /** Never rejects: what cannot be told now is told the next time. */
  async take(): Promise<void> {
    const { logger } = this.#ports;
    try {
      const snapshots = await this.#snapshots();
      this.#countTasks(snapshots);
      await this.#measureLag(snapshots);
    } catch (error) {
      logger.warn('Connectors cannot be counted, or their lag cannot be told now', { error: String(error) });
    }
  }

  async #snapshots(): Promise<ConnectorSnapshot[]> {
    const { connectors } = this.#ports.storage;
    const names = await connectors.list();
    const snapshots: ConnectorSnapshot[] = [];
    let next = 0;
    const lane = async () => {
      while (next < names.length) {
        // One that somebody has damaged is told of by the controller's looks.
        const snapshot = await connectors.snapshot(names[next++] as string).catch((error: unknown) => {
          if (error instanceof DamagedItemException) return null;
          throw error;
        });
        if (snapshot !== null) snapshots.push(snapshot);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallelism, names.length) }, lane));
    return snapshots;
  }

  #countTasks(snapshots: readonly ConnectorSnapshot[]): void {
    const { metrics, clock } = this.#ports;
    const now = clock.now();
    let [all, failed, waiting] = [0, 0, 0];
    for (const snapshot of snapshots) {
      const connector = snapshot.spec.name;
      const counts = { RUNNING: 0, PAUSED: 0, FAILED: 0, UNASSIGNED: 0, RESTARTING: 0 };
      const tasks = tasksOf(snapshot);
      for (const task of tasks) counts[taskStateOf(snapshot.spec, task, now)]++;
      const waits = tasks.filter((task) => task.circuit !== null && taskStateOf(snapshot.spec, task, now) === 'RUNNING').length;
      all += tasks.length;
      failed += counts.FAILED;
      waiting += waits;
      metrics.add('connector-total-task-count', tasks.length, { connector });
      metrics.add('connector-running-task-count', counts.RUNNING, { connector });
      metrics.add('connector-paused-task-count', counts.PAUSED, { connector });
      metrics.add('connector-failed-task-count', counts.FAILED, { connector });
      metrics.add('connector-unassigned-task-count', counts.UNASSIGNED, { connector });
      metrics.add('connector-restarting-task-count', counts.RESTARTING, { connector });
      metrics.add('connector-open-circuit-count', waits, { connector });
    }
    metrics.add('connector-count', snapshots.length, {});
    metrics.add('task-count', all, {});
    metrics.add('FailedTasks', failed, {});
    metrics.add('OpenCircuits', waiting, {});
  }

  async #measureLag(snapshots: readonly ConnectorSnapshot[]): Promise<void> {
    const { kafka, metrics, clock } = this.#ports;
    const sinks = snapshots.filter(({ spec, tasks }) => spec.type === 'sink' && spec.targetState !== 'STOPPED' && tasks.length > 0);
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
