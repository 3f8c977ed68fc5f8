import { ConnectException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { TopicPartition } from '../connect/topic-partition.ts';
import { AssignedPartitions } from './assigned-partitions.ts';
import type { FetchedPartition } from './fetch-protocol.ts';
import { offsetAfter } from './fetched-batches.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode, mayPass } from './kafka-errors.ts';
import { type FetchSettings, LeaderFetcher } from './leader-fetcher.ts';
import { AnswerMemory, type PartitionFetchState } from './partition-fetch-state.ts';
import type { PartitionReader, PartitionReaderOptions, PartitionRecords } from './ports.ts';
import { ReaderTrouble } from './reader-trouble.ts';
import { RecordBatchDecoder } from './record-batch-decoder.ts';
import { StartOffsets } from './start-offsets.ts';

// Larger answers are slower by the byte: their memory is new to the process each time.
const largestAnswer = 8 * 1024 * 1024;

/**
 * Reads partitions by fetch requests of our own over kafkajs's connections: one request under way to each leader, in
 * parallel, and one ahead while records are worked on. What waits is bounded in bytes over all partitions. Fetches are
 * only sent when somebody polls, or when the last one brought data: an idle reader is silent.
 */
export class KafkaPartitionReader implements PartitionReader {
  readonly #cluster: KafkaCluster;
  readonly #settings: FetchSettings;
  readonly #checkCrcs: boolean;
  readonly #maxPollRecords: number;
  readonly #maxWaitMs: number;
  /** Bytes that may wait, and be on their way, over all partitions. */
  readonly #budget: number;
  readonly #fetchers = new Map<number, LeaderFetcher>();
  readonly #startOffsets: StartOffsets;
  readonly #trouble: ReaderTrouble;
  readonly #onCorrupt = (error: Error) => this.#trouble.fail(error);
  readonly #partitions = new AssignedPartitions();
  /** Of fetches under way. */
  #reserved = 0;
  #waiter: (() => void) | undefined;
  #finding = false;
  #refreshing: Promise<void> | undefined;
  #closed = false;

  constructor(cluster: KafkaCluster, options: PartitionReaderOptions, logger: Logger) {
    this.#cluster = cluster;
    this.#settings = {
      minBytes: options.fetchMinBytes ?? 1,
      partitionMaxBytes: options.maxPartitionFetchBytes ?? 1_048_576,
      readCommitted: options.isolationLevel === 'read_committed',
    };
    this.#checkCrcs = options.checkCrcs ?? true;
    this.#maxPollRecords = options.maxPollRecords ?? 500;
    this.#maxWaitMs = options.fetchMaxWaitMs ?? 500;
    this.#budget = options.fetchMaxBytes ?? 52_428_800;
    this.#startOffsets = new StartOffsets(cluster, logger, options.offsetReset ?? 'earliest', this.#settings.readCommitted);
    this.#trouble = new ReaderTrouble(cluster, () => this.#wake());
  }

  assign(positions: readonly (TopicPartition & { readonly offset: bigint | null })[]): void {
    this.#partitions.replace(positions);
    this.#trouble.forgive();
    this.#trouble.passed();
  }

  seek({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#partitions.restart(this.#partitions.require(topic, partition), offset);
    this.#trouble.forgive();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#partitions.require(topic, partition).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#partitions.require(topic, partition).paused = false;
    if (this.#waiter) this.#pump();
  }

  async poll(timeoutMs: number, signal?: AbortSignal): Promise<readonly PartitionRecords[]> {
    if (this.#closed) throw new ConnectException('The reader was closed');
    const ready = this.#take();
    if (ready.length > 0 || signal?.aborted) {
      this.#pump();
      return ready;
    }
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      this.#trouble.throwFailure();
      this.#pump();
      this.#trouble.throwFailure();
      const left = deadline - Date.now();
      if (left <= 0 || signal?.aborted || this.#closed) return [];
      await this.#wait(left, signal);
      const collected = this.#take();
      if (collected.length > 0) {
        this.#pump();
        return collected;
      }
    }
  }

  positions(): ReadonlyMap<string, bigint> {
    return this.#partitions.positions();
  }

  caughtUp(): boolean {
    return this.#partitions.caughtUp();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const fetcher of this.#fetchers.values()) fetcher.close();
    this.#fetchers.clear();
    this.#partitions.replace([]);
    this.#wake();
  }

  // A failure of what was fetched ahead is told by the poll after the one that returns what comes before it.
  #take(): PartitionRecords[] {
    return this.#partitions.take(this.#maxPollRecords, this.#onCorrupt);
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
    if (this.#closed || this.#trouble.failed) return;
    // What was decompressed is more than what was asked for: what nobody wants now is fetched again later.
    if (this.#partitions.held > this.#budget) this.#partitions.dropPaused();
    if (!this.#finding && this.#partitions.all.some((state) => state.fetchOffset === null)) void this.#findStartOffsets();
    let leaderless = false;
    const byLeader = new Map<number, PartitionFetchState[]>();
    for (const state of this.#partitions.toFetch()) {
      const leader = this.#cluster.leader(state.topic, state.partition);
      const group = leader === undefined ? undefined : byLeader.get(leader);
      if (leader === undefined) leaderless = true;
      else if (group) group.push(state);
      else byLeader.set(leader, [state]);
    }
    if (leaderless) void this.#refresh();
    const { waiting } = this.#partitions;
    for (const [leader, states] of byLeader) {
      let fetcher = this.#fetchers.get(leader);
      if (!fetcher) {
        fetcher = new LeaderFetcher(this.#cluster, leader, this.#settings);
        this.#fetchers.set(leader, fetcher);
      }
      if (!fetcher.busy && (!waiting || states.some((state) => state.more))) void this.#fetch(fetcher, states, waiting);
    }
  }

  async #fetch(fetcher: LeaderFetcher, states: readonly PartitionFetchState[], waiting: boolean): Promise<void> {
    if (!waiting && this.#partitions.held + this.#reserved >= this.#budget) this.#partitions.dropPaused();
    const room = this.#budget - this.#partitions.held - this.#reserved;
    // The broker sends one batch at least, however small the limit: without room it is not asked.
    if (room <= 0) return;
    const { partitionMaxBytes } = this.#settings;
    const maxBytes = Math.min(room, states.length * partitionMaxBytes, Math.max(largestAnswer, partitionMaxBytes));
    // Whoever has just been assigned or moved wants to know at once whether there is anything.
    const eager = waiting || states.some((state) => state.end === undefined);
    fetcher.busy = true;
    this.#reserved += maxBytes;
    for (const state of states) state.startFetch(states);
    let brought = false;
    let again = false;
    try {
      const answer = await fetcher.fetch(states, maxBytes, eager ? 0 : this.#maxWaitMs);
      if (this.#closed) return;
      const memory = new AnswerMemory(answer.bytes);
      let stale = false;
      for (const fetched of answer.partitions) {
        const state = this.#partitions.find(fetched.topic, fetched.partition);
        if (!state?.expects(states)) continue;
        if (fetched.error === errorCode.none) brought = this.#accept(state, fetched, memory) || brought;
        else if (fetched.error === errorCode.offsetOutOfRange) {
          this.#startOffsets.outOfRange(state);
          this.#partitions.restart(state, null);
          again = true;
        } else if (KafkaCluster.staleMetadata(fetched.error)) {
          stale = true;
          this.#trouble.passing(brokerError(fetched.error, `Partition ${state.key}`));
        } else throw brokerError(fetched.error, `Partition ${state.key}`);
      }
      if (stale) await this.#refresh();
      else this.#trouble.passed();
    } catch (error) {
      if (this.#closed) return;
      this.#trouble.note(error);
      if (mayPass(error)) {
        await this.#refresh();
        again = true;
      }
    } finally {
      fetcher.busy = false;
      this.#reserved -= maxBytes;
      for (const state of states) state.endFetch(states);
    }
    if (this.#closed) return;
    if (brought) this.#wake();
    // The end is known now, or a partition has moved: pollers see for themselves; a poll that still waits asks again.
    if (brought || again || this.#waiter) this.#pump();
  }

  // True when there are records, or the position moved.
  #accept(state: PartitionFetchState, fetched: FetchedPartition, memory: AnswerMemory): boolean {
    const { readCommitted } = this.#settings;
    state.end = readCommitted ? fetched.lastStableOffset : fetched.highWatermark;
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
      aborted: readCommitted ? fetched.aborted : undefined,
      checkCrcs: this.#checkCrcs,
    });
    this.#partitions.add(state, decoder, memory, next);
    return true;
  }

  async #findStartOffsets(): Promise<void> {
    const open = this.#partitions.all.filter((state) => state.position === null);
    this.#finding = true;
    try {
      const missing = await this.#startOffsets.find(open);
      if (missing) this.#trouble.passing(missing);
    } catch (error) {
      this.#trouble.fail(error as Error);
    } finally {
      this.#finding = false;
    }
    if (this.#closed || this.#trouble.failed) return;
    if (open.some((state) => state.position === null)) {
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
    if (this.#trouble.lasting) await pauseBriefly();
    if (this.#closed) return;
    try {
      await this.#cluster.refresh(this.#partitions.topics);
      for (const state of this.#partitions.all) {
        if (this.#cluster.leader(state.topic, state.partition) !== undefined) continue;
        const code = this.#cluster.topic(state.topic)?.error || errorCode.unknownTopicOrPartition;
        const error = brokerError(code, `Partition ${state.key}`);
        if (!KafkaCluster.staleMetadata(code)) throw error;
        this.#trouble.passing(error);
      }
    } catch (error) {
      if (!this.#closed) this.#trouble.note(error);
    }
  }
}

// Between a failed try and the next look at the metadata.
function pauseBriefly(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
