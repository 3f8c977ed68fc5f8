import type { ConnectorStore } from '../storage/ports.ts';

/** The topics that a connector has used since its user last reset them (KIP-558), as one task of it sees them. */
export class ActiveTopics {
  readonly #store: ConnectorStore;
  readonly #connector: string;
  readonly #enabled: boolean;
  readonly #seen = new Set<string>();
  readonly #new = new Set<string>();
  #resets = 0;

  /** `enabled`: the worker's `topic.tracking.enable`. */
  constructor(store: ConnectorStore, connector: string, enabled: boolean) {
    this.#store = store;
    this.#connector = connector;
    this.#enabled = enabled;
  }

  has(topic: string): boolean {
    return this.#seen.has(topic);
  }

  /** Notes a topic that `has` does not know. */
  add(topic: string): void {
    this.#seen.add(topic);
    if (this.#enabled) this.#new.add(topic);
  }

  /** Forgets them when the user has reset them since; `resets` is how often that happened. */
  resetSince(resets: number): void {
    if (resets === this.#resets) return;
    this.#resets = resets;
    this.#seen.clear();
    this.#new.clear();
  }

  /** Stores those that are new. Called before offsets are stored: a topic is not forgotten by a run that dies in between. */
  async store(): Promise<void> {
    if (this.#new.size === 0) return;
    await this.#store.addActiveTopics(this.#connector, [...this.#new]);
    this.#new.clear();
  }
}
