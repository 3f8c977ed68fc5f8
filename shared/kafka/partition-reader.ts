import { ConnectException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import { partitionKey, type TopicPartition } from '../connect/topic-partition.ts';
import type { BrokerConnection } from './broker-connection.ts';
import { type CompressionType, compressionLoaded, loadCompression } from './compression.ts';
import { decodeFetchResponse, encodeFetchRequest, type FetchedPartition, fetchVersion } from './fetch-protocol.ts';
import type { FetchedRecord } from './fetched-record.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode, mayPass } from './kafka-errors.ts';
import { listOffsets, listOffsetsAt } from './list-offsets.ts';
import { PartitionFetchState } from './partition-fetch-state.ts';
import type { OffsetReset, PartitionReader, PartitionReaderOptions, PartitionRecords } from './ports.ts';
import { batchField, batchLogOverhead, compressionOf } from './record-batch.ts';
import { RecordBatchDecoder } from './record-batch-decoder.ts';

// Larger answers are slower by the byte: their memory is new to the process each time.
const largestAnswer = 8 * 1024 * 1024;

interface Fetcher {
  readonly nodeId: number;
  connection: BrokerConnection | undefined;
  busy: boolean;
}

/**
 * Reads partitions by fetch requests of our own over kafkajs's connections: one request under way to each leader, in
 * parallel, and one ahead while records are worked on. What waits is bounded in bytes over all partitions. Fetches are
 * only sent when somebody polls, or when the last one brought data: an idle reader is silent.
 */
export class KafkaPartitionReader implements PartitionReader {
  readonly #cluster: KafkaCluster;
  readonly #logger: Logger;
  readonly #reset: OffsetReset;
  readonly #readCommitted: boolean;
  readonly #checkCrcs: boolean;
  readonly #maxPollRecords: number;
  readonly #minBytes: number;
  readonly #maxWaitMs: number;
  readonly #partitionMaxBytes: number;
  readonly #budget: number;
  readonly #fetchers = new Map<number, Fetcher>();
  #partitions = new Map<string, PartitionFetchState>();
  #order: PartitionFetchState[] = [];
  #turn = 0;
  #buffered = 0;
  #reserved = 0;
  #waiter: (() => void) | undefined;
  #resolving = false;
  #refreshing: Promise<void> | undefined;
  #failingSince: number | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(cluster: KafkaCluster, options: PartitionReaderOptions, logger: Logger) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#reset = options.offsetReset ?? 'earliest';
    this.#readCommitted = options.isolationLevel === 'read_committed';
    this.#checkCrcs = options.checkCrcs ?? true;
    this.#maxPollRecords = options.maxPollRecords ?? 500;
    this.#minBytes = options.fetchMinBytes ?? 1;
    this.#maxWaitMs = options.fetchMaxWaitMs ?? 500;
    this.#partitionMaxBytes = options.maxPartitionFetchBytes ?? 1_048_576;
    this.#budget = options.fetchMaxBytes ?? 52_428_800;
  }

  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    for (const state of this.#order) this.#buffered -= state.restart(null);
    this.#partitions = new Map(
      positions.map(({ topic, partition, offset }) => [partitionKey(topic, partition), new PartitionFetchState(topic, partition, offset)]),
    );
    // Neighbours of a topic stay together in requests.
    this.#order = [...this.#partitions.values()].sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
    this.#turn = 0;
    this.#failure = undefined;
    this.#failingSince = undefined;
  }

  seek({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#buffered -= this.#state(topic, partition).restart(offset);
    // Whoever moves on from what could not be read may go on.
    this.#failure = undefined;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#state(topic, partition).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#state(topic, partition).paused = false;
    if (this.#waiter) this.#pump();
  }

  async poll(timeoutMs: number, signal?: AbortSignal): Promise<readonly PartitionRecords[]> {
    if (this.#closed) throw new ConnectException('The reader was closed');
    const ready = this.#collect();
    if (ready.length > 0 || signal?.aborted) {
      this.#pump();
      return ready;
    }
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.#throwFailure();
      this.#pump();
      this.#throwFailure();
      const left = deadline - Date.now();
      if (left <= 0 || signal?.aborted || this.#closed) return [];
      await this.#wait(left, signal);
      const collected = this.#collect();
      if (collected.length > 0) {
        this.#pump();
        return collected;
      }
    }
  }

  positions(): ReadonlyMap<string, bigint> {
    const positions = new Map<string, bigint>();
    for (const { key, position } of this.#order) if (position !== null) positions.set(key, position);
    return positions;
  }

  caughtUp(): boolean {
    for (const state of this.#order) if (!state.paused && !state.caughtUp) return false;
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const fetcher of this.#fetchers.values()) fetcher.connection?.close();
    this.#fetchers.clear();
    this.#order = [];
    this.#partitions.clear();
    this.#wake();
  }

  #state(topic: string, partition: number): PartitionFetchState {
    const state = this.#partitions.get(partitionKey(topic, partition));
    if (!state) throw new ConnectException(`Partition ${partitionKey(topic, partition)} is not assigned to this reader`);
    return state;
  }

  // A failure is told once; the next poll tries anew.
  #throwFailure(): void {
    const failure = this.#failure;
    if (!failure) return;
    if (mayPass(failure)) {
      this.#failure = undefined;
      this.#failingSince = undefined;
    }
    throw failure;
  }

  #collect(): PartitionRecords[] {
    const result: PartitionRecords[] = [];
    const count = this.#order.length;
    let left = this.#maxPollRecords;
    for (let step = 0; step < count && left > 0; step++) {
      const state = this.#order[(this.#turn + step) % count] as PartitionFetchState;
      if (state.paused || state.waiting === 0) continue;
      const before = state.position;
      const records: FetchedRecord[] = [];
      try {
        this.#buffered -= state.take(left, records);
      } catch (error) {
        // What was read before the corrupt place is handed out; the next poll fails.
        const last = records.at(-1);
        this.#buffered -= state.restart(last ? last.offset + 1n : before);
        this.#failure = error as Error;
      }
      left -= records.length;
      if (records.length > 0 || state.position !== before) {
        result.push({ topic: state.topic, partition: state.partition, records, nextOffset: state.position as bigint });
      }
      // A partition that filled the poll comes last in the next one.
      if (left === 0) this.#turn = (this.#turn + step + 1) % count;
    }
    return result;
  }

  #wait(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#waiter = undefined;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal?.addEventListener('abort', done, { once: true });
      this.#waiter = done;
    });
  }

  #wake(): void {
    this.#waiter?.();
  }

  // Sends what can be sent now. Called by polls, and by each answer that brought data. While records wait, a fetch is
  // only sent where there is known to be more: one that waits at the broker would hold up the partitions not in it.
  #pump(): void {
    if (this.#closed || this.#failure) return;
    let unresolved = false;
    let leaderless = false;
    let waiting = false;
    const byLeader = new Map<number, PartitionFetchState[]>();
    const count = this.#order.length;
    for (let step = 0; step < count; step++) {
      const state = this.#order[(this.#turn + step) % count] as PartitionFetchState;
      if (!state.paused && state.waiting > 0) waiting = true;
      if (state.fetchOffset === null) unresolved = true;
      // One answer ahead of the one that is being worked on.
      else if (!state.paused && !state.fetching && state.waiting < 2) {
        const leader = this.#cluster.leader(state.topic, state.partition);
        if (leader === undefined) leaderless = true;
        else {
          const group = byLeader.get(leader);
          if (group) group.push(state);
          else byLeader.set(leader, [state]);
        }
      }
    }
    if (unresolved && !this.#resolving) void this.#resolveOffsets();
    if (leaderless) void this.#refresh();
    for (const [leader, states] of byLeader) {
      let fetcher = this.#fetchers.get(leader);
      if (!fetcher) {
        fetcher = { nodeId: leader, connection: undefined, busy: false };
        this.#fetchers.set(leader, fetcher);
      }
      if (!fetcher.busy && (!waiting || states.some((state) => state.more))) void this.#fetch(fetcher, states, waiting);
    }
  }

  async #fetch(fetcher: Fetcher, states: readonly PartitionFetchState[], waiting: boolean): Promise<void> {
    if (!waiting && this.#buffered + this.#reserved >= this.#budget) {
      for (const state of this.#order) if (state.paused) this.#buffered -= state.restart(state.position);
    }
    const room = this.#budget - this.#buffered - this.#reserved;
    // The broker sends one batch at least, however small the limit: without room it is not asked.
    if (room <= 0) return;
    const maxBytes = Math.min(room, states.length * this.#partitionMaxBytes, Math.max(largestAnswer, this.#partitionMaxBytes));
    const epochs = states.map((state) => state.epoch);
    // Whoever has just been assigned or moved wants to know at once whether there is anything.
    const eager = waiting || states.some((state) => state.end === undefined);
    fetcher.busy = true;
    this.#reserved += maxBytes;
    for (const state of states) state.fetching = true;
    let brought = false;
    let again = false;
    try {
      if (!fetcher.connection?.usable) fetcher.connection = await this.#connect(fetcher);
      const maxWaitMs = eager ? 0 : this.#maxWaitMs;
      const request = encodeFetchRequest({
        maxWaitMs,
        minBytes: this.#minBytes,
        maxBytes,
        partitionMaxBytes: this.#partitionMaxBytes,
        readCommitted: this.#readCommitted,
        partitions: states.map((state) => ({ topic: state.topic, partition: state.partition, offset: state.fetchOffset as bigint })),
      });
      const answer = decodeFetchResponse(await fetcher.connection.exchange('Fetch', fetchVersion, [request], maxWaitMs));
      if (this.#closed) return;
      fetcher.connection.throttle(answer.throttleMs);
      if (answer.error !== errorCode.none) throw brokerError(answer.error, `A fetch from Kafka broker ${fetcher.connection.address}`);
      for (const fetched of answer.partitions) {
        if (fetched.records && fetched.records.length > 0) await loadCodecs(fetched.records);
      }
      let stale = false;
      for (const fetched of answer.partitions) {
        const state = this.#partitions.get(partitionKey(fetched.topic, fetched.partition));
        const index = state ? states.indexOf(state) : -1;
        if (!state || index < 0 || state.epoch !== epochs[index]) continue;
        if (fetched.error === errorCode.none) brought = this.#accept(state, fetched) || brought;
        else if (fetched.error === errorCode.offsetOutOfRange) {
          this.#outOfRange(state);
          again = true;
        } else if (KafkaCluster.staleMetadata(fetched.error)) {
          stale = true;
          this.#troubled(brokerError(fetched.error, `Partition ${state.key}`));
        } else throw brokerError(fetched.error, `Partition ${state.key}`);
      }
      if (stale) await this.#refresh();
      else this.#failingSince = undefined;
    } catch (error) {
      if (this.#closed) return;
      if (mayPass(error)) {
        this.#troubled(error as Error);
        await this.#refresh();
        again = true;
      } else {
        this.#failure = error as Error;
        this.#wake();
      }
    } finally {
      fetcher.busy = false;
      this.#reserved -= maxBytes;
      for (const state of states) state.fetching = false;
    }
    if (this.#closed) return;
    if (brought) this.#wake();
    // The end is known now, or a partition has moved: pollers see for themselves; a poll that still waits asks again.
    if (brought || again || this.#waiter) this.#pump();
  }

  async #connect(fetcher: Fetcher): Promise<BrokerConnection> {
    fetcher.connection?.close();
    const connection = await this.#cluster.dedicated(fetcher.nodeId);
    if (this.#closed) connection.close();
    return connection;
  }

  // True when there are records, or the position moved.
  #accept(state: PartitionFetchState, fetched: FetchedPartition): boolean {
    state.end = this.#readCommitted ? fetched.lastStableOffset : fetched.highWatermark;
    const records = fetched.records;
    if (!records || records.length === 0) return false;
    const startOffset = state.fetchOffset as bigint;
    const next = offsetAfter(records, startOffset);
    if (next === startOffset) {
      throw new ConnectException(
        `Partition ${state.key} cannot be read at offset ${startOffset}: the broker sent ${records.length} bytes without a whole batch in them`,
      );
    }
    const decoder = new RecordBatchDecoder(records, {
      partition: state.key,
      startOffset,
      aborted: this.#readCommitted ? fetched.aborted : undefined,
      checkCrcs: this.#checkCrcs,
    });
    state.add(decoder, records.length, next);
    this.#buffered += records.length;
    return true;
  }

  #outOfRange(state: PartitionFetchState): void {
    const offset = state.fetchOffset;
    if (this.#reset === 'none') {
      this.#failure = new ConnectException(
        `Offset ${offset} of partition ${state.key} is out of range (its records were deleted, or the topic was made anew), and auto.offset.reset is none. Set the connector's offsets, or auto.offset.reset to earliest or latest.`,
      );
      this.#wake();
      return;
    }
    this.#logger.warn(`Offset ${offset} of partition ${state.key} is out of range; continuing at the ${this.#reset} offset, as auto.offset.reset says`);
    this.#buffered -= state.restart(null);
  }

  async #resolveOffsets(): Promise<void> {
    const open = this.#order.filter((state) => state.position === null);
    if (this.#reset === 'none') {
      this.#failure = new ConnectException(
        `There is no offset to start from for ${open.map((state) => state.key).join(', ')}, and auto.offset.reset is none. Set the connector's offsets, or auto.offset.reset to earliest or latest.`,
      );
      this.#wake();
      return;
    }
    this.#resolving = true;
    try {
      const timestamp = this.#reset === 'latest' ? listOffsetsAt.latest : listOffsetsAt.earliest;
      const epochs = open.map((state) => state.epoch);
      const offsets = await listOffsets(this.#cluster, open, timestamp, this.#readCommitted);
      for (const [index, state] of open.entries()) {
        const offset = offsets.get(state.key);
        if (state.epoch !== epochs[index]) continue;
        if (offset === undefined) this.#troubled(brokerError(errorCode.unknownTopicOrPartition, `Partition ${state.key}`));
        else state.restart(offset);
      }
    } catch (error) {
      this.#failure = error as Error;
    } finally {
      this.#resolving = false;
    }
    if (this.#closed) return;
    if (this.#failure) this.#wake();
    else if (open.some((state) => state.position === null)) {
      await pauseBriefly();
      if (this.#waiter) this.#pump();
    } else this.#pump();
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshMetadata().finally(() => {
      this.#refreshing = undefined;
      if (this.#waiter && !this.#closed) this.#pump();
    });
    return this.#refreshing;
  }

  async #refreshMetadata(): Promise<void> {
    if (this.#failingSince !== undefined) await pauseBriefly();
    if (this.#closed) return;
    try {
      await this.#cluster.refresh([...new Set(this.#order.map((state) => state.topic))]);
      for (const state of this.#order) {
        if (this.#cluster.leader(state.topic, state.partition) !== undefined) continue;
        const code = this.#cluster.topic(state.topic)?.error || errorCode.unknownTopicOrPartition;
        const error = brokerError(code, `Partition ${state.key}`);
        if (!KafkaCluster.staleMetadata(code)) throw error;
        this.#troubled(error);
      }
    } catch (error) {
      if (this.#closed) return;
      if (mayPass(error)) this.#troubled(error as Error);
      else {
        this.#failure = error as Error;
        this.#wake();
      }
    }
  }

  // Trouble that may pass becomes a failure when it lasts.
  #troubled(error: Error): void {
    this.#failingSince ??= Date.now();
    if (Date.now() - this.#failingSince < this.#cluster.settings.retryTimeoutMs) return;
    this.#failure = this.#cluster.gaveUp('fetch records', error);
    this.#wake();
  }
}

// Between a failed try and the next look at the metadata.
function pauseBriefly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

/** The offset after the last whole batch; `start` when there is none. */
function offsetAfter(records: Buffer, start: bigint): bigint {
  let position = 0;
  let next = start;
  while (position + batchField.magic < records.length) {
    // Messages of before Kafka 0.11 have another layout: the decoder says so when they are taken.
    if ((records[position + batchField.magic] as number) < 2) return records.readBigInt64BE(position) + 1n;
    const end = position + batchLogOverhead + records.readInt32BE(position + batchField.length);
    if (end > records.length || end <= position + batchField.records - 1) break;
    next = records.readBigInt64BE(position) + BigInt(records.readInt32BE(position + batchField.lastOffsetDelta)) + 1n;
    position = end;
  }
  return next;
}

async function loadCodecs(records: Buffer): Promise<void> {
  let position = 0;
  while (position + batchField.records <= records.length) {
    const type: CompressionType | undefined = compressionOf(records, position);
    if (type && !compressionLoaded(type)) await loadCompression(type);
    const length = records.readInt32BE(position + batchField.length);
    if (length <= 0) return;
    position += batchLogOverhead + length;
  }
}
