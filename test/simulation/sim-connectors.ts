import {
  ConnectException,
  configDef,
  DataException,
  defineSinkConnector,
  defineSourceConnector,
  int,
  RetriableException,
  type SinkRecord,
  SinkTask,
  type SinkTaskContext,
  SourceRecord,
  SourceTask,
  type SourceTaskContext,
  UnavailableException,
} from '../../shared/connect/index.ts';
import { partitionKey } from '../../shared/connect/topic-partition.ts';
import type { SimProcess } from './world.ts';

/** What the sinks of a simulation have written: it outlives every process. */
export class Target {
  /** By Kafka partition and offset: how often. */
  readonly written = new Map<string, Map<bigint, number>>();
  /** By Kafka partition: the offsets in the order in which they were first written. */
  readonly order = new Map<string, bigint[]>();
  /** Out of order until then. */
  downUntil = 0;
  /** Takes records that were bad for it before. */
  mended = false;
  /** By Kafka partition: everything below is written. */
  readonly #complete = new Map<string, bigint>();

  write(key: string, offset: bigint): void {
    const counts = this.written.get(key) ?? new Map<bigint, number>();
    this.written.set(key, counts);
    if (!counts.has(offset)) this.order.set(key, [...(this.order.get(key) ?? []), offset]);
    counts.set(offset, (counts.get(offset) ?? 0) + 1);
    let complete = this.#complete.get(key) ?? 0n;
    while (counts.has(complete)) complete++;
    this.#complete.set(key, complete);
  }

  /** In no order; or the dead letter queue has it, which is as good as written. */
  writeLate(key: string, offset: bigint): void {
    const order = [...(this.order.get(key) ?? [])];
    this.write(key, offset);
    this.order.set(key, order);
  }

  completeUpTo(key: string): bigint {
    return this.#complete.get(key) ?? 0n;
  }
}

/** What the sources of a simulation read: numbered records, of which more are there from time to time. */
export interface Origin {
  /** Records of each partition that are there by now. */
  available: number;
  /** Most tasks that it bears now: a task that notices a change asks for other task configs. */
  tasks: number;
  /** Out of order until then. */
  downUntil: number;
}

/** What systems that are out of order say; no failure of a task and no dead letter may have it as its reason. */
export const outOfOrder = 'is out of order';

/** Records that no target takes, as the simulation has it. */
export function isBad(value: unknown): boolean {
  return Number(String(value).split(':')[1]) % 11 === 7;
}

/** Bugs in connectors that a simulation must find. */
export interface ConnectorPlants {
  /** Offsets are allowed before what was put is written. */
  readonly commitBeforeFlush?: boolean;
  /** Nobody hears a task that asks for other task configs. */
  readonly lostReconfiguration?: boolean;
  /** An outage of the target is taken for an error of each record. */
  readonly outageIsRecordError?: boolean;
  /** An outage of the target fails its task. */
  readonly outageFails?: boolean;
}

/** How many tasks the source has. */
export function sourceTasks(maxTasks: number, partitions: number, { tasks }: Origin): number {
  return Math.min(maxTasks, partitions, tasks);
}

const count = (least: number) => int({ default: least, importance: 'HIGH', doc: '' });

/** The connectors of one process: a source of numbered records, and a sink that writes when it is flushed. */
export function simConnectors(process: SimProcess, origin: Origin, target: Target, plants: ConnectorPlants) {
  const { world } = process;

  class NumbersTask extends SourceTask {
    readonly #context: SourceTaskContext;
    readonly #partitions: readonly number[];
    readonly #next = new Map<number, number>();
    /** Of how many tasks this is one, what it would be now, and what it has asked for. */
    readonly #tasks: number;
    readonly #tasksNow: () => number;
    #asked: number | null = null;

    constructor(context: SourceTaskContext, partitions: readonly number[], tasks: number, tasksNow: () => number) {
      super();
      this.#tasks = tasks;
      this.#tasksNow = tasksNow;
      this.#context = context;
      this.#partitions = partitions;
    }

    override async start(): Promise<void> {
      await process.latency();
      const offsets = await this.#context.offsetStorageReader.offsets(this.#partitions.map((partition) => ({ partition })));
      for (const [index, partition] of this.#partitions.entries()) this.#next.set(partition, Number(offsets[index]?.['position'] ?? 0));
    }

    override async poll(): Promise<readonly SourceRecord[] | null> {
      await process.latency();
      if (world.now < origin.downUntil) throw new UnavailableException(`The source ${outOfOrder}`);
      if (world.fault(0.01)) throw new RetriableException('The source does not answer');
      if (world.fault(0.002)) throw new ConnectException('The source is broken');
      const tasks = this.#tasksNow();
      if (tasks !== this.#tasks && tasks !== this.#asked && plants.lostReconfiguration !== true) this.#context.requestTaskReconfiguration();
      this.#asked = tasks;
      const behind = this.#partitions.filter((each) => (this.#next.get(each) ?? 0) < origin.available);
      if (behind.length === 0) return null;
      const partition = world.random.pick(behind);
      const first = this.#next.get(partition) ?? 0;
      const size = Math.min(world.random.int(1, 12), origin.available - first);
      this.#next.set(partition, first + size);
      return Array.from(
        { length: size },
        (_, index) =>
          new SourceRecord({ partition }, { position: first + index + 1 }, 'numbers', partition % 3, null, null, null, `${partition}:${first + index}`),
      );
    }
  }

  class WritingTask extends SinkTask {
    readonly #context: SinkTaskContext;
    #put: SinkRecord[] = [];

    constructor(context: SinkTaskContext) {
      super();
      this.#context = context;
    }

    override async put(records: readonly SinkRecord[]): Promise<void> {
      await process.latency();
      const { errantRecordReporter: reporter } = this.#context;
      if (records.length > 0 && world.now < target.downUntil) {
        const down = new (plants.outageFails === true ? ConnectException : UnavailableException)(`The target ${outOfOrder}`);
        if (plants.outageIsRecordError !== true || reporter === null) throw down;
        for (const record of records) await reporter.report(record, down);
        return;
      }
      if (world.fault(0.01)) throw new RetriableException('The target does not answer');
      if (world.fault(0.003)) throw new ConnectException('The target refuses');
      for (const record of records) {
        if (reporter !== null && !target.mended && isBad(record.value))
          void reporter.report(record, new DataException('The target refuses this record')).catch(() => {});
        else this.#put.push(record);
      }
      if (this.#put.length > 60) await this.#write();
    }

    override async preCommit(offsets: ReadonlyMap<string, bigint>): Promise<ReadonlyMap<string, bigint>> {
      if (plants.commitBeforeFlush === true) {
        void this.#write();
        return offsets;
      }
      await this.#write();
      return offsets;
    }

    /** Some at a time, so that it may die between. */
    async #write(): Promise<void> {
      while (this.#put.length > 0) {
        if (world.now < target.downUntil) throw new UnavailableException(`The target ${outOfOrder}`);
        if (world.fault(0.01)) throw new RetriableException('The target does not answer');
        const some = this.#put.splice(0, world.random.int(1, 20));
        await process.latency();
        for (const { topic, kafkaPartition, kafkaOffset, value } of some) {
          const key = partitionKey(topic, kafkaPartition as number);
          // What was refused at first comes after those that were behind it.
          if (isBad(value)) target.writeLate(key, kafkaOffset);
          else target.write(key, kafkaOffset);
        }
      }
    }

    /** A flush that failed is followed by the same records again. */
    override flush(): void {}
  }

  return [
    defineSourceConnector({
      className: 'sim.NumbersSource',
      version: '1',
      overview: '',
      exactlyOnceSupport: () => 'SUPPORTED',
      config: configDef({ partitions: count(4), dummy: count(0) }),
      taskConfig: configDef({ partitions: count(4), task: count(0), tasks: count(1), 'tasks.max': count(1) }),
      taskConfigs: async ({ config, maxTasks, rawConfig }) => {
        await process.latency();
        if (world.fault(0.02)) throw new RetriableException('The source does not answer');
        const tasks = sourceTasks(maxTasks, config.partitions, origin);
        return Array.from({ length: tasks }, (_, task) => ({ ...rawConfig, task: String(task), tasks: String(tasks) }));
      },
      createTask: ({ partitions, task, tasks, 'tasks.max': maxTasks }, context) => {
        const own = Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => partition % tasks === task);
        return new NumbersTask(context, own, tasks, () => sourceTasks(maxTasks, partitions, origin));
      },
    }),
    defineSinkConnector({
      className: 'sim.WritingSink',
      version: '1',
      overview: '',
      config: configDef({ dummy: count(0) }),
      taskConfigs: async ({ maxTasks, rawConfig }) => {
        await process.latency();
        return Array.from({ length: maxTasks }, () => ({ ...rawConfig }));
      },
      createTask: (_, context) => new WritingTask(context),
    }),
  ];
}
