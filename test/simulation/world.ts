import type { Clock } from '../../shared/connect/clock.ts';

/** Numbers that come from a seed and from nothing else (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.int(0, values.length - 1)] as T;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** Time and what happens in it: one event after the other, each to its end, in an order that the seed decides. */
export class World {
  /** Milliseconds; the true time, which no process knows exactly. */
  now = 1_700_000_000_000;
  readonly random: Random;
  /** How much a clock may be wrong, either way. */
  skewMs = 2_000;
  /** No faults from this time on. */
  faultsUntil = 0;
  events = 0;
  readonly #queue: Event[] = [];
  #order = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** True with this probability, as long as there are faults. */
  fault(probability: number): boolean {
    return this.random.chance(probability) && this.now < this.faultsUntil;
  }

  schedule(delayMs: number, action: () => void): void {
    const event = { at: this.now + Math.max(0, delayMs), order: this.#order++, action };
    // A heap, because most events are near and many.
    const queue = this.#queue;
    queue.push(event);
    for (let at = queue.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!before(queue[at] as Event, queue[parent] as Event)) break;
      [queue[at], queue[parent]] = [queue[parent] as Event, queue[at] as Event];
      at = parent;
    }
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }

  /** Lets time pass until `done`, or until the time given. Throws Error when nothing happens any more before that. */
  async run(until: number, done: () => boolean | Promise<boolean> = () => false): Promise<void> {
    while (this.now < until) {
      const event = this.#pop();
      if (event === undefined) throw new Error('Nothing happens any more');
      this.now = event.at;
      this.events++;
      event.action();
      // What follows from it, up to the next wait.
      await new Promise((resolve) => setImmediate(resolve));
      if (await done()) return;
    }
  }

  #pop(): Event | undefined {
    const queue = this.#queue;
    const [first] = queue;
    const last = queue.pop();
    if (first === undefined || last === undefined || queue.length === 0) return first;
    queue[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let least = at;
      for (const child of [left, left + 1]) if (child < queue.length && before(queue[child] as Event, queue[least] as Event)) least = child;
      if (least === at) return first;
      [queue[at], queue[least]] = [queue[least] as Event, queue[at] as Event];
      at = least;
    }
  }
}

const before = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** An operating system's process. It dies or freezes at any wait, and its clock is a little wrong. */
export class SimProcess {
  readonly name: string;
  readonly world: World;
  readonly clock: Clock;
  dead = false;
  #frozenUntil = 0;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    const skew = world.random.int(-world.skewMs, world.skewMs);
    this.clock = {
      now: () => world.now + skew,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      nextTurn: () => this.pass(0),
    };
  }

  kill(): void {
    this.dead = true;
  }

  freeze(ms: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.world.now + ms);
  }

  get wasFrozen(): boolean {
    return this.#frozenUntil > 0;
  }

  get frozen(): boolean {
    return this.world.now < this.#frozenUntil;
  }

  /** A wait: what comes after it happens later, or never. */
  async pass(ms: number): Promise<void> {
    await this.world.delay(ms);
    while (this.frozen) await this.world.delay(this.#frozenUntil - this.world.now);
    if (this.dead) await new Promise<never>(() => {});
  }

  /** A request to another machine takes its time. */
  latency(): Promise<void> {
    return this.pass(this.world.fault(0.02) ? this.world.random.int(100, 3_000) : this.world.random.int(1, 20));
  }

  async #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!signal?.aborted) {
      let onAbort = () => {};
      const aborted = new Promise<void>((resolve) => {
        onAbort = resolve;
        signal?.addEventListener('abort', onAbort, { once: true });
      });
      await Promise.race([this.world.delay(ms), aborted]);
      signal?.removeEventListener('abort', onAbort);
    }
    await this.pass(0);
  }
}
