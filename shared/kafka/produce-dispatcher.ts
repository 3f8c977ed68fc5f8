import { BrokerSender } from './broker-sender.ts';
import { loadCompression } from './compression.ts';
import { mayPass } from './kafka-errors.ts';
import { type PartitionQueue, retryDelayMs } from './partition-queue.ts';
import type { ProducerContext } from './producer-context.ts';
import { initProducerId } from './producer-identity.ts';
import { type QueueDispatcher, TopicQueues } from './topic-queues.ts';

/** Sends what waits in the queues of one producer, as soon as it can be sent, to the brokers that lead their partitions. */
export class ProduceDispatcher implements QueueDispatcher {
  readonly #context: ProducerContext;
  readonly #topics = new Map<string, TopicQueues>();
  readonly #senders = new Map<number, BrokerSender>();
  /** Every queue that is not idle; those that were served last come last. */
  readonly #work = new Set<PartitionQueue>();
  #preparing: Promise<void> | undefined;
  #compressionReady: boolean;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = 0;
  #refreshing = false;
  #joining: Promise<void> | undefined;

  constructor(context: ProducerContext) {
    this.#context = context;
    this.#compressionReady = context.settings.compression === 'none';
  }

  /** The queues of a topic, which may be new to the producer. */
  topic(name: string, now: number): TopicQueues {
    let topic = this.#topics.get(name);
    if (!topic) {
      topic = new TopicQueues(this.#context, this, name, now);
      this.#topics.set(name, topic);
    }
    if (topic.prepare(now)) this.#refresh();
    return topic;
  }

  add(queue: PartitionQueue): void {
    this.#work.add(queue);
  }

  drain(): void {
    while (this.#sendRound());
  }

  /** True when everything is there that the first batch needs; otherwise it is fetched, and the draining goes on after that. */
  prepared(): boolean {
    const { settings, cluster, transaction, idempotentIdentity } = this.#context;
    if (!this.#compressionReady) {
      this.#preparing ??= loadCompression(settings.compression).then(() => {
        this.#preparing = undefined;
        this.#compressionReady = true;
        this.drain();
      });
      return false;
    }
    if (!settings.idempotent || transaction || idempotentIdentity) return true;
    this.#preparing ??= initProducerId(cluster)
      .then(
        (identity) => {
          this.#context.idempotentIdentity = identity;
        },
        (error: Error) => this.failUnsent(error),
      )
      .then(() => {
        this.#preparing = undefined;
        this.drain();
      });
    return false;
  }

  /** Resolves when no partition is joining the transaction: one that has joined after its end would be missing from the next. */
  async joined(): Promise<void> {
    await this.#joining;
  }

  /** Fails what was placed and is not under way. */
  failUnsent(error: Error): void {
    for (const topic of this.#topics.values()) topic.fail(error, true);
    this.#work.clear();
  }

  /** The producer has a new identity: batches are numbered from 0 on. */
  restartSequences(): void {
    for (const topic of this.#topics.values()) topic.restartSequences();
  }

  /** Ends everything; what was not decided fails with `error`. */
  close(error: Error): void {
    clearTimeout(this.#timer);
    for (const sender of this.#senders.values()) sender.close();
    for (const topic of this.#topics.values()) topic.fail(error, false);
    this.#work.clear();
  }

  // One batch of each partition in a request, as the protocol has it. True when more may fit: another request to the
  // same broker may follow before the first is answered.
  #sendRound(): boolean {
    const { cluster, transaction, closed } = this.#context;
    if (closed || this.#work.size === 0 || !this.prepared()) return false;
    const now = Date.now();
    const sending: BrokerSender[] = [];
    const joining: PartitionQueue[] = [];
    let leaderless = false;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const queue of this.#work) {
      queue.expire(now);
      if (queue.idle) {
        this.#work.delete(queue);
        continue;
      }
      if (queue.retryAt > now) {
        wakeAt = Math.min(wakeAt, queue.retryAt);
        continue;
      }
      if (queue.needsIdentity) {
        void queue.renewIdentity().then(() => this.drain());
        continue;
      }
      const nodeId = cluster.leader(queue.topic, queue.partition);
      if (nodeId === undefined) {
        leaderless = true;
        wakeAt = Math.min(wakeAt, now + retryDelayMs);
        continue;
      }
      if (transaction && !transaction.has(queue.key)) {
        joining.push(queue);
        continue;
      }
      const sender = this.#sender(nodeId);
      if (!sender.connected) {
        if (!sender.connecting) void this.#connect(sender);
        continue;
      }
      if (sender.full) continue;
      const lingerUntil = this.#lingerUntil(queue);
      if (lingerUntil > now) {
        wakeAt = Math.min(wakeAt, lingerUntil);
        continue;
      }
      const batch = queue.nextBatch();
      if (!batch) continue;
      if (sender.gathered.length === 0) sending.push(sender);
      sender.gather(queue, batch);
    }
    if (joining.length > 0) this.#joinTransaction(joining);
    if (leaderless) this.#refresh();
    if (wakeAt !== Number.POSITIVE_INFINITY) this.#wakeAt(wakeAt, now);
    for (const sender of sending) void this.#send(sender);
    return sending.length > 0;
  }

  async #send(sender: BrokerSender): Promise<void> {
    const batches = sender.gathered;
    const answered = sender.send();
    for (const { queue } of batches) {
      // To the end of the line: others come first next time.
      this.#work.delete(queue);
      if (!queue.idle) this.#work.add(queue);
    }
    const stale = await answered;
    if (this.#context.closed) return;
    for (const { queue } of batches) if (!queue.idle) this.#work.add(queue);
    if (stale) this.#refresh();
    this.drain();
  }

  // A batch that is not full waits for more, unless somebody waits for it.
  #lingerUntil(queue: PartitionQueue): number {
    const { settings, flushing } = this.#context;
    if (settings.lingerMs === 0 || flushing) return 0;
    const since = queue.gatheringSince;
    return since === undefined ? 0 : since + settings.lingerMs;
  }

  #joinTransaction(queues: readonly PartitionQueue[]): void {
    this.#joining ??= this.#join(queues).then(() => {
      this.#joining = undefined;
      this.drain();
    });
  }

  async #join(queues: readonly PartitionQueue[]): Promise<void> {
    try {
      await this.#context.transaction?.add(queues);
    } catch (error) {
      this.failUnsent(error as Error);
    }
  }

  #sender(nodeId: number): BrokerSender {
    let sender = this.#senders.get(nodeId);
    if (!sender) {
      sender = new BrokerSender(this.#context, nodeId);
      this.#senders.set(nodeId, sender);
    }
    return sender;
  }

  async #connect(sender: BrokerSender): Promise<void> {
    const { cluster } = this.#context;
    try {
      await sender.connect();
    } catch (error) {
      if (mayPass(error)) {
        const now = Date.now();
        for (const queue of this.#work) if (cluster.leader(queue.topic, queue.partition) === sender.nodeId) queue.postpone(now, error as Error);
        this.#refresh();
      } else this.failUnsent(error as Error);
    }
    this.drain();
  }

  #refresh(): void {
    if (this.#refreshing || this.#context.closed) return;
    this.#refreshing = true;
    const names = [...this.#topics.values()].filter((topic) => topic.known).map((topic) => topic.topic);
    this.#context.cluster
      .refresh(names, false)
      .then(
        (found) => {
          for (const metadata of found) this.#topics.get(metadata.topic)?.learn(metadata);
        },
        (error: Error) => this.#context.logger.debug('Could not refresh metadata', { error: error.message }),
      )
      .then(() => {
        this.#refreshing = false;
        this.drain();
      });
  }

  #wakeAt(at: number, now: number): void {
    if (this.#timer && this.#timerAt <= at) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.drain();
      },
      Math.max(1, at - now),
    );
  }
}
