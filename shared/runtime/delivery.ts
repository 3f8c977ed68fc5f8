import { RetriableException } from '../connect/errors.ts';
import { partitionKey } from '../connect/topic-partition.ts';
import type { PartitionRecords } from '../kafka/ports.ts';
import type { TaskItem } from '../storage/ports.ts';
import { DeliveredRecordsReader } from './delivered-records-reader.ts';
import { isDelivered } from './is-delivered.ts';
import type { RuntimePorts } from './ports.ts';
import { type Invocation, Worker } from './worker.ts';

/** While another invocation has the task of these partitions, it is waited for so long between looks. */
const busyIntervalMs = 200;

/**
 * Runs a sink whose records an event source delivers (`sluice.trigger=event`). A delivery is a run of each task whose
 * partitions are in it: same lease, same offsets, same dead letter queue. It succeeds only when everything in it is stored;
 * else it is delivered again, and what was stored is left out then.
 */
export class Delivery {
  readonly #ports: RuntimePorts;
  readonly #connector: string;
  readonly #worker: Worker;
  readonly #readers = new Map<number, DeliveredRecordsReader>();
  #task = 0;
  #offered: readonly PartitionRecords[] = [];

  constructor(ports: RuntimePorts, connector: string) {
    this.#ports = ports;
    this.#connector = connector;
    this.#worker = new Worker({ ...ports, kafka: { ...ports.kafka, reader: () => this.#reader() } });
  }

  /** Puts these records. Rejects with RetriableException when they must be delivered again. Returns how many there were. */
  async deliver(batches: readonly PartitionRecords[], invocation: Invocation): Promise<number> {
    const tasks = await this.#tasks();
    const byTask = Map.groupBy(batches, ({ topic, partition }) => taskOf(tasks, topic, partition)?.task);
    if (byTask.has(undefined)) throw this.#again('its partitions are not divided among its tasks yet');
    let records = 0;
    for (const [task, some] of byTask) {
      await this.#run(tasks.find((each) => each.task === task) as TaskItem, some, invocation);
      records += some.reduce((sum, each) => sum + each.records.length, 0);
    }
    return records;
  }

  async #tasks(): Promise<readonly TaskItem[]> {
    const snapshot = await this.#ports.storage.connectors.snapshot(this.#connector);
    if (snapshot === null) throw this.#again('there is no such connector');
    const { spec, tasks } = snapshot;
    if (!isDelivered(spec, this.#ports.worker)) throw this.#again('it reads by itself: sluice.trigger is not event');
    if (spec.targetState !== 'STARTED') throw this.#again(`it is ${spec.targetState}`);
    if (spec.plannedGeneration < spec.generation) throw this.#again('its tasks are being made');
    return tasks;
  }

  async #run(item: TaskItem, batches: readonly PartitionRecords[], invocation: Invocation): Promise<void> {
    const { clock, storage } = this.#ports;
    this.#task = item.task;
    this.#offered = batches;
    this.#readers.get(item.task)?.offer(batches);
    const { circuit } = item;
    if (circuit !== null && circuit.nextTryAt > clock.now())
      throw this.#again(`its target is out of order, and is tried again at ${new Date(circuit.nextTryAt).toISOString()}: ${circuit.error}`);
    for (;;) {
      const { outcome } = await this.#worker.run({ kind: 'task', connector: item.connector, task: item.task, generation: item.generation }, invocation);
      if (outcome !== 'skipped') break;
      const current = await storage.control.task(item.connector, item.task);
      if (current?.state === 'FAILED') throw this.#again(`its task ${item.task} is FAILED; restart it`);
      if (current?.generation !== item.generation) throw this.#again('it has another config now');
      if (clock.now() + busyIntervalMs >= invocation.deadlineAt) throw this.#again('another run has its task');
      await clock.sleep(busyIntervalMs, invocation.shutdown);
    }
    const stored = (await storage.control.task(item.connector, item.task))?.offsets ?? new Map<string, bigint>();
    const behind = batches.find(({ topic, partition, nextOffset }) => (stored.get(partitionKey(topic, partition)) ?? 0n) < nextOffset);
    if (behind !== undefined) throw this.#again(`partition ${partitionKey(behind.topic, behind.partition)} was not stored up to offset ${behind.nextOffset}`);
  }

  #reader(): DeliveredRecordsReader {
    const reader = new DeliveredRecordsReader();
    reader.offer(this.#offered);
    this.#readers.set(this.#task, reader);
    return reader;
  }

  #again(why: string): RetriableException {
    return new RetriableException(`Records of connector ${this.#connector} are to be delivered again: ${why}`);
  }
}

function taskOf(tasks: readonly TaskItem[], topic: string, partition: number): TaskItem | undefined {
  return tasks.find(({ partitions }) => partitions.some((each) => each.topic === topic && each.partition === partition));
}
