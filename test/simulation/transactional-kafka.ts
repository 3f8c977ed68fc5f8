import { ConnectException, RetriableException } from '../../shared/connect/errors.ts';
import { parsePartitionKey, partitionKey, type TopicPartition } from '../../shared/connect/topic-partition.ts';
import {
  type ConsumerRecord,
  type KafkaClients,
  type PartitionReader,
  type PartitionRecords,
  ProducerFencedException,
  type ProducerRecord,
  type RecordProducer,
  type SendResult,
} from '../../shared/kafka/ports.ts';
import { SimKafka } from './sim-kafka.ts';
import type { SimProcess } from './world.ts';

interface Transaction {
  state: 'open' | 'committed' | 'aborted';
  readonly records: { readonly partition: TopicPartition; readonly record: ConsumerRecord }[];
}

/** What a coordinator knows of a transactional id. */
interface Coordinated {
  epoch: number;
  open: Transaction | null;
}

/** A cluster in memory with transactions: who takes an id over fences whoever had it, and ends what they left open. */
export class TransactionalKafka extends SimKafka {
  readonly #ids = new Map<string, Coordinated>();
  readonly #transactions = new Map<ConsumerRecord, Transaction>();
  /** Told of the records of each transaction that is committed. */
  onCommit: (records: Transaction['records']) => void = () => {};

  override clients(process: SimProcess): KafkaClients {
    const clients = super.clients(process);
    return {
      ...clients,
      reader: (options, overrides) => (options?.isolationLevel === 'read_committed' ? new CommittedReader(this, process) : clients.reader(options, overrides)),
      producer: (options, overrides) =>
        options?.transactionalId === undefined ? clients.producer(options, overrides) : new TransactionalProducer(this, process, options.transactionalId),
    };
  }

  takeOver(id: string): number {
    const known = this.#ids.get(id) ?? { epoch: -1, open: null };
    if (known.open !== null) known.open.state = 'aborted';
    const epoch = known.epoch + 1;
    this.#ids.set(id, { epoch, open: null });
    return epoch;
  }

  write(id: string, epoch: number, record: ProducerRecord, timestamp: number): bigint {
    const known = this.#current(id, epoch);
    known.open ??= { state: 'open', records: [] };
    const partition = { topic: record.topic, partition: record.partition ?? this.#partitionFor(record) };
    const offset = this.append({ ...record, partition: partition.partition }, timestamp);
    const written = this.records(partition).at(-1) as ConsumerRecord;
    this.#transactions.set(written, known.open);
    known.open.records.push({ partition, record: written });
    return offset;
  }

  end(id: string, epoch: number, commit: boolean): void {
    const known = this.#current(id, epoch);
    if (known.open === null) return;
    known.open.state = commit ? 'committed' : 'aborted';
    if (commit) this.onCommit(known.open.records);
    known.open = null;
  }

  stateOf(record: ConsumerRecord): Transaction['state'] {
    return this.#transactions.get(record)?.state ?? 'committed';
  }

  #current(id: string, epoch: number): Coordinated {
    const known = this.#ids.get(id);
    if (known === undefined || known.epoch !== epoch) throw new ProducerFencedException(`There is a newer producer with the same transactionalId "${id}"`);
    return known;
  }

  #partitionFor({ topic, key }: ProducerRecord): number {
    const partitions = this.topics.get(topic)?.length ?? 1;
    return [...Buffer.from(key ?? [])].reduce((hash, byte) => (hash * 31 + byte) % 65_537, 7) % partitions;
  }
}

/** Every request takes its time, may be refused, and may be done although its answer was lost. */
class TransactionalProducer implements RecordProducer {
  readonly #kafka: TransactionalKafka;
  readonly #process: SimProcess;
  readonly #id: string;
  #epoch: number | null = null;
  #open = false;
  #failure: Error | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(kafka: TransactionalKafka, process: SimProcess, id: string) {
    this.#kafka = kafka;
    this.#process = process;
    this.#id = id;
  }

  async beginTransaction(): Promise<void> {
    this.#failure = null;
    if (this.#epoch === null) this.#epoch = await this.#request(() => this.#kafka.takeOver(this.#id));
    this.#open = true;
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
      if (index > 0 && world.fault(0.02)) await this.#process.latency();
      try {
        if (world.fault(0.003)) throw new RetriableException('The record was not acknowledged in time');
        offsets.push(this.#kafka.write(this.#id, this.#epoch ?? -1, record, world.now));
      } catch (error) {
        errors.set(index, error as Error);
        this.#failure ??= error as Error;
        offsets.push(null);
      }
    }
    await this.#process.latency();
    const metadata = (index: number) => {
      const offset = offsets[index] ?? null;
      return offset === null ? null : { topic: records[index]?.topic ?? '', partition: records[index]?.partition ?? 0, offset, timestamp: world.now };
    };
    return { acknowledged: records.length - errors.size, errors, metadata };
  }

  async commitTransaction(): Promise<void> {
    await this.flush();
    if (this.#failure instanceof ProducerFencedException) throw this.#failure;
    if (this.#failure !== null) throw new ConnectException('The transaction cannot be committed, because records in it failed', { cause: this.#failure });
    await this.#request(() => this.#kafka.end(this.#id, this.#epoch ?? -1, true));
    this.#open = false;
  }

  async abortTransaction(): Promise<void> {
    await this.flush();
    if (!this.#open) throw new Error('There is no open transaction');
    await this.#request(() => this.#kafka.end(this.#id, this.#epoch ?? -1, false));
    this.#open = false;
    if (this.#failure !== null) this.#epoch = null;
  }

  async #request<T>(action: () => T): Promise<T> {
    const { world } = this.#process;
    await this.#process.latency();
    if (world.fault(0.01)) throw new RetriableException('The coordinator does not answer');
    const result = action();
    await this.#process.latency();
    if (world.fault(0.01)) throw new RetriableException('The answer of the coordinator was lost');
    return result;
  }

  ready(): undefined {}
  async flush(): Promise<void> {
    await this.#last;
  }
  sendOffsetsToTransaction = () => Promise.reject(new Error('No task sends offsets of a group'));
  async close(): Promise<void> {}
}

/** Reads what is committed, up to the first transaction that is open. */
class CommittedReader implements PartitionReader {
  readonly #kafka: TransactionalKafka;
  readonly #process: SimProcess;
  readonly #positions = new Map<string, bigint>();

  constructor(kafka: TransactionalKafka, process: SimProcess) {
    this.#kafka = kafka;
    this.#process = process;
  }

  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    this.#positions.clear();
    for (const { topic, partition, offset } of positions) this.#positions.set(partitionKey(topic, partition), offset ?? 0n);
  }

  async poll(timeoutMs: number): Promise<readonly PartitionRecords[]> {
    await this.#process.latency();
    if (this.#process.world.fault(0.01)) throw new RetriableException('The broker does not answer');
    const found = [...this.#positions].flatMap(([key, position]) => {
      const log = this.#kafka.records(parsePartitionKey(key)).slice(Number(position));
      const end = log.findIndex((record) => this.#kafka.stateOf(record) === 'open');
      const stable = end < 0 ? log : log.slice(0, end);
      if (stable.length === 0) return [];
      const nextOffset = position + BigInt(stable.length);
      this.#positions.set(key, nextOffset);
      return [{ ...parsePartitionKey(key), records: stable.filter((record) => this.#kafka.stateOf(record) === 'committed'), nextOffset }];
    });
    if (found.length === 0) await this.#process.clock.sleep(timeoutMs);
    return found;
  }

  seek(): void {}
  pause(): void {}
  resume(): void {}
  positions(): ReadonlyMap<string, bigint> {
    return this.#positions;
  }
  caughtUp(): boolean {
    return false;
  }
  async close(): Promise<void> {}
}
