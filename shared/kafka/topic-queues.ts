import { ConnectException, DataException } from '../connect/errors.ts';
import type { TopicMetadata } from './kafka-cluster.ts';
import { brokerError, errorCode, KafkaTimeoutException, mayPass, RecordTooLargeException } from './kafka-errors.ts';
import { PartitionQueue } from './partition-queue.ts';
import { nextStickyPartition, partitionForKey } from './partitioner.ts';
import type { ProducerRecord } from './ports.ts';
import type { ProducerContext } from './producer-context.ts';
import { recordBatchSizeUpperBound } from './record-batch-encoder.ts';
import type { SendTracker } from './send-tracker.ts';

// Nobody waits for metadata that is this old: it is renewed beside the sending (`metadata.max.age.ms`).
const metadataMaxAgeMs = 300_000;

/** Who sends what is in the queues. */
export interface QueueDispatcher {
  /** Something waits in this queue. */
  add(queue: PartitionQueue): void;
  /** Sends what can be sent now. */
  drain(): void;
}

/** A topic as one producer sees it: how many partitions it has, which of them a record goes to, and their queues. */
export class TopicQueues {
  readonly topic: string;
  readonly #context: ProducerContext;
  readonly #dispatcher: QueueDispatcher;
  readonly #queues: PartitionQueue[] = [];
  /** Where records without key go until a batch is full (KIP-480). */
  #sticky = -1;
  /** Records that wait until the topic is known; null when it is. */
  #waiting: { tracker: SendTracker; record: ProducerRecord; index: number }[] | null = null;
  #leaders: readonly number[] = [];
  #checkedAt: number;

  constructor(context: ProducerContext, dispatcher: QueueDispatcher, topic: string, now: number) {
    this.#context = context;
    this.#dispatcher = dispatcher;
    this.topic = topic;
    this.#checkedAt = now;
    const known = context.cluster.topic(topic);
    if (known) this.learn(known);
  }

  /** True when its partitions are known. */
  get known(): boolean {
    return this.#leaders.length > 0;
  }

  /** Looks for the topic when it is not known yet. True when what is known of it is old and should be asked for again. */
  prepare(now: number): boolean {
    if (!this.known) {
      if (!this.#waiting) {
        this.#waiting = [];
        void this.#resolve();
      }
      return false;
    }
    if (now - this.#checkedAt <= metadataMaxAgeMs) return false;
    this.#checkedAt = now;
    return true;
  }

  /** Takes over what the cluster said of it, unless that was an error. */
  learn({ error, leaders }: TopicMetadata): boolean {
    if (error !== errorCode.none || leaders.length === 0) return false;
    this.#leaders = leaders;
    return true;
  }

  /** Takes a record of a send: it is placed, waits for the topic to be known, or has failed. */
  take(tracker: SendTracker, record: ProducerRecord, index: number, now: number): void {
    if (this.#waiting) {
      tracker.hold();
      this.#waiting.push({ tracker, record, index });
    } else this.#place(tracker, record, index, now);
  }

  /** Fails what was not decided; with `unsentOnly` only what was placed and is not under way. */
  fail(error: Error, unsentOnly: boolean): void {
    if (!unsentOnly) this.#failWaiting(error);
    for (const queue of this.#queues) queue?.fail(error, unsentOnly);
  }

  restartSequences(): void {
    for (const queue of this.#queues) queue?.restartSequences();
  }

  // Looks for the topic, which may be being created, then places what waited in its order.
  async #resolve(): Promise<void> {
    const { cluster, settings } = this.#context;
    const deadline = Date.now() + settings.metadataTimeoutMs;
    let failure: Error | undefined;
    for (let delay = 20; !this.#context.closed; delay = Math.min(delay * 2, 500)) {
      try {
        const [metadata] = await cluster.refresh([this.topic], true);
        if (metadata && this.learn(metadata)) {
          failure = undefined;
          break;
        }
        failure = brokerError(metadata?.error ?? errorCode.unknownTopicOrPartition, `Topic "${this.topic}"`);
      } catch (error) {
        failure = error as Error;
      }
      if (!mayPass(failure)) break;
      if (Date.now() + delay > deadline) {
        failure = new KafkaTimeoutException(`Topic ${this.topic} not present in metadata after ${settings.metadataTimeoutMs} ms.`, { cause: failure });
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
    if (failure) {
      this.#failWaiting(failure);
      return;
    }
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    const now = Date.now();
    for (const { tracker, record, index } of waiting) {
      this.#place(tracker, record, index, now);
      tracker.settled();
    }
    this.#dispatcher.drain();
  }

  #failWaiting(error: Error): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    if (waiting.length > 0) this.#context.noteFailure(error);
    for (const { tracker, index } of waiting) {
      tracker.failed(index, error);
      tracker.settled();
    }
  }

  #place(tracker: SendTracker, record: ProducerRecord, index: number, now: number): void {
    const size = recordBatchSizeUpperBound(record);
    const { maxRequestSize } = this.#context.settings;
    if (size > maxRequestSize) {
      const message = `The message is ${size} bytes when serialized which is larger than ${maxRequestSize}, which is the value of the max.request.size configuration.`;
      this.#refuse(tracker, index, new RecordTooLargeException(message));
      return;
    }
    const timestamp = record.timestamp ?? now;
    if (!(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
      this.#refuse(tracker, index, new DataException(`Invalid timestamp: ${record.timestamp}. Timestamp should always be non-negative or null.`));
      return;
    }
    for (;;) {
      const partition = record.partition ?? this.#choosePartition(record.key);
      if (!(partition >= 0 && partition < this.#leaders.length)) {
        this.#placeLater(tracker, record, index);
        return;
      }
      let queue = this.#queues[partition];
      if (!queue) {
        queue = new PartitionQueue(this.#context, this.topic, partition);
        this.#queues[partition] = queue;
      }
      if (queue.idle) this.#dispatcher.add(queue);
      const batch = queue.append(record, timestamp, now);
      if (batch) {
        tracker.placed(index, batch, batch.count - 1);
        return;
      }
      if (record.key === null && record.partition === null) this.#sticky = nextStickyPartition(this.#leaders, this.#sticky);
    }
  }

  #choosePartition(key: Uint8Array | null): number {
    if (key !== null) return partitionForKey(key, this.#leaders.length);
    if (this.#sticky < 0) this.#sticky = nextStickyPartition(this.#leaders, -1);
    return this.#sticky;
  }

  // The partition is not in the metadata: look once more, since partitions may have been added, then say so.
  #placeLater(tracker: SendTracker, record: ProducerRecord, index: number): void {
    const { cluster } = this.#context;
    tracker.hold();
    void cluster
      .retry(`find topic "${this.topic}"`, () => cluster.refresh([this.topic]))
      .then(
        ([metadata]) => {
          if (metadata) this.learn(metadata);
          const count = this.#leaders.length;
          if ((record.partition as number) < count && (record.partition as number) >= 0) {
            this.#place(tracker, record, index, Date.now());
            return;
          }
          const message = `Partition ${record.partition} of topic ${this.topic} is not present in metadata: the topic has ${count} partition${count === 1 ? '' : 's'}, numbered from 0.`;
          this.#refuse(tracker, index, new ConnectException(message));
        },
        (error: Error) => this.#refuse(tracker, index, error),
      )
      .then(() => {
        tracker.settled();
        this.#dispatcher.drain();
      });
  }

  #refuse(tracker: SendTracker, index: number, error: Error): void {
    this.#context.noteFailure(error);
    tracker.failed(index, error);
  }
}
