import type { KafkaCluster } from './kafka-cluster.ts';
import { mayPass } from './kafka-errors.ts';

/** What goes wrong in the background of a reader, until a poll tells it. */
export class ReaderTrouble {
  readonly #cluster: KafkaCluster;
  readonly #onFailure: () => void;
  #since: number | undefined;
  #failure: Error | undefined;

  /** `onFailure`: a poll that waits should look. */
  constructor(cluster: KafkaCluster, onFailure: () => void) {
    this.#cluster = cluster;
    this.#onFailure = onFailure;
  }

  /** True when reading has ended until the failure was told. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** True while something goes wrong that may pass. */
  get lasting(): boolean {
    return this.#since !== undefined;
  }

  /** Something went wrong: at once a failure when it will not pass. */
  note(error: unknown): void {
    if (mayPass(error)) this.passing(error as Error);
    else this.fail(error as Error);
  }

  /** Something went wrong that may pass; it becomes a failure when it lasts. */
  passing(error: Error): void {
    this.#since ??= Date.now();
    if (Date.now() - this.#since >= this.#cluster.settings.retryTimeoutMs) this.fail(this.#cluster.gaveUp('fetch records', error));
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#onFailure();
  }

  /** It has passed. */
  passed(): void {
    this.#since = undefined;
  }

  /** Whoever moves on from what could not be read may go on. */
  forgive(): void {
    this.#failure = undefined;
  }

  /** Throws the failure, if there is one. It is told once when it may pass: the next poll tries anew. */
  throwFailure(): void {
    const failure = this.#failure;
    if (!failure) return;
    if (mayPass(failure)) {
      this.#failure = undefined;
      this.#since = undefined;
    }
    throw failure;
  }
}
