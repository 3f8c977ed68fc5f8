import { partitionKey } from '../../shared/connect/topic-partition.ts';
import type { Herder } from '../../shared/herder/herder.ts';
import type { Replay, Storage } from '../../shared/storage/ports.ts';
import type { Target } from './sim-connectors.ts';
import type { SimKafka } from './sim-kafka.ts';

export const deadLetters = 'dead';

interface Options {
  readonly kafka: SimKafka;
  readonly target: Target;
  /** As nobody disturbs it. */
  readonly seen: Storage;
  readonly sink: string;
  call(action: (herder: Herder) => Promise<unknown>): Promise<boolean>;
}

/** Replays of the sink's dead letters by a user, and what must hold of them. */
export class SimReplays {
  readonly #options: Options;
  /** The id of a replay that began when the target had been mended. */
  #last: string | null = null;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Where a record is from whose letter this is. */
  static originOf(headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]): { readonly key: string; readonly offset: bigint } {
    const [partition, offset] = ['partition', 'offset'].map((name) => textOf(headers, `__connect.errors.${name}`));
    return { key: partitionKey('numbers', Number(partition)), offset: BigInt(offset ?? 0) };
  }

  /** A user wants the letters replayed. */
  async begin(): Promise<void> {
    const { call, sink } = this.#options;
    const everything = { queue: null, filter: {} };
    await call(async (api) => {
      const replay = await api.deadLetters.replay(sink, everything, { ids: null, again: false, dryRun: false });
      if (this.#options.target.mended && 'id' in replay) this.#last = replay.id;
    });
  }

  /** Asks for a replay until one that began with the mended target is over; true when all letters were replayed. */
  async settle(): Promise<boolean> {
    if (this.#letters.length === 0) return true;
    const replay = await this.#current();
    if (replay?.state === 'COMPLETED' && replay.id === this.#last) return true;
    if (replay === null || replay.state === 'COMPLETED' || replay.state === 'FAILED' || replay.state === 'CANCELLED') await this.begin();
    return false;
  }

  async #current(): Promise<Replay | null> {
    return (await this.#options.seen.replays.list(this.#options.sink))[0] ?? null;
  }

  /** Offsets of the letters that are recorded as replayed. */
  async #replayed(): Promise<ReadonlySet<bigint>> {
    const offsets = this.#letters.map(({ offset }) => offset);
    return this.#options.seen.replays.replayed(this.#options.sink, { topic: deadLetters, partition: 0, offsets });
  }

  get #letters() {
    return this.#options.kafka.records({ topic: deadLetters, partition: 0 });
  }

  /** A letter that is recorded as replayed is in the target, or in the queue again. Null when that is so. */
  async wrong(): Promise<string | null> {
    const { target } = this.#options;
    const replayed = await this.#replayed();
    const byRecord = Map.groupBy(this.#letters, ({ headers }) => Object.values(SimReplays.originOf(headers)).join('@'));
    for (const letters of byRecord.values()) {
      const [first] = letters;
      if (first === undefined) continue;
      const { key, offset } = SimReplays.originOf(first.headers);
      const seen = target.written.get(key)?.get(offset) ?? 0;
      const own = letters.filter(({ headers }) => textOf(headers, '__sluice.errors.replays') === null).length;
      const recorded = letters.filter((letter) => replayed.has(letter.offset)).length;
      if (recorded > seen - own) return `${recorded} dead letters of ${key}@${offset} are recorded as replayed, but only ${seen - own} went through`;
    }
    return null;
  }

  /** After the last replay: what was not replayed. Null when there is nothing. */
  async missing(): Promise<string | null> {
    const replayed = await this.#replayed();
    const ends = (await this.#current())?.ends.get('0') ?? 0n;
    const left = this.#letters.flatMap(({ offset }) => (offset < ends && !replayed.has(offset) ? [offset] : []));
    return left.length === 0 ? null : `dead letters ${left.join(', ')} were not replayed`;
  }
}

function textOf(headers: readonly { readonly key: string; readonly value: Uint8Array | null }[], name: string): string | null {
  const found = headers.find(({ key }) => key === name);
  return found === undefined || found.value === null ? null : Buffer.from(found.value).toString('utf8');
}
