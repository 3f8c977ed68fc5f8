import { RetriableException } from '../../shared/connect/errors.ts';
import { parsePartitionKey, partitionKey, type TopicPartition } from '../../shared/connect/topic-partition.ts';
import type {
  ClusterAdmin,
  ConsumerRecord,
  KafkaClients,
  PartitionReader,
  PartitionReaderOptions,
  PartitionRecords,
  ProducerRecord,
  RecordProducer,
  SendResult,
} from '../../shared/kafka/ports.ts';
import type { SimProcess } from './world.ts';

const transactional = () => Promise.reject(new Error('There are no transactions in the simulation'));

/** A Kafka cluster in memory: what was appended stays, in order. */
export class SimKafka {
  readonly topics = new Map<string, ConsumerRecord[][]>();
  readonly groups = new Map<string, Map<string, bigint>>();
  /** Told of each record that was appended. */
  onAppend: (partition: TopicPartition, record: ConsumerRecord) => void = () => {};

  createTopic(topic: string, partitions: number): void {
    this.topics.set(
      topic,
      Array.from({ length: partitions }, () => []),
    );
  }

  records({ topic, partition }: TopicPartition): readonly ConsumerRecord[] {
    return this.topics.get(topic)?.[partition] ?? [];
  }

  append({ topic, partition, key, value, headers }: ProducerRecord, timestamp: number): bigint {
    const log = this.topics.get(topic)?.[partition ?? 0];
    if (log === undefined) throw new Error(`There is no ${topic}-${partition}`);
    const bytes = (each: Uint8Array | null) => (each === null ? null : Buffer.from(each));
    const record: ConsumerRecord = {
      ...{ offset: BigInt(log.length), timestamp, timestampType: 'CreateTime', key: bytes(key), value: bytes(value) },
      headers: headers.map((header) => ({ key: header.key, value: bytes(header.value) })),
    };
    log.push(record);
    this.onAppend({ topic, partition: partition ?? 0 }, record);
    return record.offset;
  }

  /** The clients of one process. */
  clients(process: SimProcess): KafkaClients {
    return {
      reader: (options) => new SimReader(this, process, options),
      producer: () => new SimProducer(this, process),
      admin: () => this.#admin(process),
      close: async () => {},
    };
  }

  #admin(process: SimProcess): ClusterAdmin {
    const call = async <T>(answer: () => T): Promise<T> => {
      await process.latency();
      if (process.world.fault(0.02)) throw new RetriableException('The broker does not answer');
      const result = answer();
      await process.latency();
      return result;
    };
    const ends = (partitions: readonly TopicPartition[]) =>
      new Map(partitions.map((each) => [partitionKey(each.topic, each.partition), BigInt(this.records(each).length)]));
    const all = (topics?: readonly string[]) => [...this.topics].filter(([topic]) => topics === undefined || topics.includes(topic));
    return {
      clusterId: () => call(() => 'simulated'),
      partitionCounts: (topics) => call(() => new Map(all(topics).map(([topic, partitions]) => [topic, partitions.length]))),
      endOffsets: (partitions) => call(() => ends(partitions)),
      beginningOffsets: (partitions) => call(() => new Map(partitions.map((each) => [partitionKey(each.topic, each.partition), 0n]))),
      offsetsForTime: (partitions) => call(() => ends(partitions)),
      groupOffsets: (group) => call(() => new Map(this.groups.get(group) ?? [])),
      commitGroupOffsets: (group, offsets) => call(() => void this.groups.set(group, new Map([...(this.groups.get(group) ?? []), ...offsets]))),
      createTopic: ({ topic, partitions }) =>
        call(() => {
          if (this.topics.has(topic)) return false;
          this.createTopic(topic, Math.max(1, partitions));
          return true;
        }),
      deleteGroup: (group) => call(() => void this.groups.delete(group)),
      deleteTopics: (topics) => call(() => topics.forEach((topic) => void this.topics.delete(topic))),
      describeCluster: () => call(() => ({ clusterId: 'simulated', controller: 1, brokers: [] })),
      describeTopics: () => call(() => new Map()),
      deleteRecords: () => call(() => new Map()),
      close: async () => {},
    };
  }
}

class SimReader implements PartitionReader {
  readonly #kafka: SimKafka;
  readonly #process: SimProcess;
  readonly #maxPollRecords: number;
  readonly #positions = new Map<string, bigint>();
  readonly #paused = new Set<string>();
  #caughtUp = false;

  constructor(kafka: SimKafka, process: SimProcess, { maxPollRecords = 20 }: PartitionReaderOptions = {}) {
    this.#kafka = kafka;
    this.#process = process;
    this.#maxPollRecords = maxPollRecords;
  }

  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    this.#positions.clear();
    for (const { topic, partition, offset } of positions) this.#positions.set(partitionKey(topic, partition), offset ?? 0n);
  }

  seek({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#positions.set(partitionKey(topic, partition), offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.add(partitionKey(topic, partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#paused.delete(partitionKey(topic, partition));
  }

  async poll(timeoutMs: number, signal?: AbortSignal): Promise<readonly PartitionRecords[]> {
    const { world, clock } = this.#process;
    const until = world.now + timeoutMs;
    for (;;) {
      await this.#process.latency();
      if (world.fault(0.02)) throw new RetriableException('The broker does not answer');
      const found = signal?.aborted ? [] : this.#fetch();
      if (found.length > 0 || world.now >= until || signal?.aborted) return found;
      await clock.sleep(Math.min(250, until - world.now), signal);
    }
  }

  #fetch(): PartitionRecords[] {
    let room = this.#process.world.random.int(1, Math.min(20, this.#maxPollRecords));
    const found: PartitionRecords[] = [];
    this.#caughtUp = true;
    for (const [key, position] of this.#positions) {
      if (this.#paused.has(key)) continue;
      const partition = parsePartitionKey(key);
      const log = this.#kafka.records(partition);
      const records = log.slice(Number(position), Number(position) + room);
      room -= records.length;
      if (Number(position) + records.length < log.length) this.#caughtUp = false;
      if (records.length === 0) continue;
      const nextOffset = position + BigInt(records.length);
      this.#positions.set(key, nextOffset);
      found.push({ ...partition, records, nextOffset });
    }
    return found;
  }

  positions(): ReadonlyMap<string, bigint> {
    return this.#positions;
  }

  caughtUp(): boolean {
    return this.#caughtUp;
  }

  async close(): Promise<void> {}
}

class SimProducer implements RecordProducer {
  readonly #kafka: SimKafka;
  readonly #process: SimProcess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kafka: SimKafka, process: SimProcess) {
    this.#kafka = kafka;
    this.#process = process;
  }

  send(records: readonly ProducerRecord[]): Promise<SendResult> {
    const sent = this.#last.then(() => this.#send(records));
    this.#last = sent.catch(() => {});
    return sent;
  }

  async #send(records: readonly ProducerRecord[]): Promise<SendResult> {
    const { world } = this.#process;
    const errors = new Map<number, Error>();
    const offsets: (bigint | null)[] = [];
    await this.#process.latency();
    for (const [index, record] of records.entries()) {
      // A batch may end up half sent: the request times out, or the process dies between two requests.
      if (index > 0 && world.fault(0.02)) await this.#process.latency();
      const lost = world.fault(0.004);
      if (lost || errors.size > 0) {
        errors.set(index, new RetriableException('The record was not acknowledged in time'));
        offsets.push(null);
        // It may be there all the same.
        if (lost && world.random.chance(0.5)) this.#kafka.append(record, world.now);
        continue;
      }
      offsets.push(this.#kafka.append(record, world.now));
    }
    await this.#process.latency();
    const metadata = (index: number) => {
      const { topic = '', partition } = records[index] ?? {};
      const offset = offsets[index];
      return offset === null || offset === undefined ? null : { topic, partition: partition ?? 0, offset, timestamp: world.now };
    };
    return { acknowledged: records.length - errors.size, errors, metadata };
  }

  ready(): undefined {}

  async flush(): Promise<void> {
    await this.#last;
  }

  beginTransaction = transactional;
  sendOffsetsToTransaction = transactional;
  commitTransaction = transactional;
  abortTransaction = transactional;
  async close(): Promise<void> {}
}
