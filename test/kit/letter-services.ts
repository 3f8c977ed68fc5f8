import type { LetterBucket, LetterQueue, OutgoingMessage } from '../../shared/runtime/dead-letters/ports.ts';

/** A queue in memory that can be told to refuse. */
export class MemoryQueue implements LetterQueue {
  maxBytes = 262_144;
  readonly messages: (OutgoingMessage & { id: string; hiddenUntil: number })[] = [];
  /** How many messages each request had. */
  readonly requests: number[] = [];
  /** Which messages of the next requests are refused, by index; an Error: the whole request. */
  refusals: (readonly number[] | Error)[] = [];
  now = 0;
  #ids = 0;

  async maxMessageBytes(): Promise<number> {
    return this.maxBytes;
  }
  async send(messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<number, Error>> {
    this.requests.push(messages.length);
    const refusal = this.refusals.shift() ?? [];
    if (refusal instanceof Error) throw refusal;
    for (const [index, message] of messages.entries()) {
      if (!refusal.includes(index)) this.messages.push({ ...message, id: `m${++this.#ids}`, hiddenUntil: 0 });
    }
    return new Map(refusal.map((index) => [index, new Error(`message ${index} was refused`)]));
  }
  async receive({ max, hiddenSeconds }: { max: number; hiddenSeconds: number }) {
    const some = this.messages.filter(({ hiddenUntil }) => hiddenUntil <= this.now).slice(0, Math.min(max, 10));
    for (const each of some) each.hiddenUntil = this.now + hiddenSeconds * 1000;
    return some.map(({ id, body }) => ({ id, receipt: id, body, sentAt: 0 }));
  }
  async delete(receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) {
      const index = this.messages.findIndex(({ id }) => id === receipt);
      if (index >= 0) this.messages.splice(index, 1);
    }
  }
  async hide(receipts: readonly string[], seconds: number): Promise<void> {
    for (const each of this.messages) if (receipts.includes(each.id)) each.hiddenUntil = this.now + seconds * 1000;
  }
  async size() {
    const hidden = this.messages.filter(({ hiddenUntil }) => hiddenUntil > this.now).length;
    return { visible: this.messages.length - hidden, hidden };
  }
}

export class MemoryBucket implements LetterBucket {
  readonly objects = new Map<string, Buffer>();
  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(key, Buffer.from(bytes));
  }
  async get(key: string): Promise<Buffer | null> {
    return this.objects.get(key) ?? null;
  }
}
