import type { Clock } from '../../connect/clock.ts';
import { ConnectException } from '../../connect/errors.ts';
import { stringifyExact } from '../../connect/exact-json.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { LargeLetters } from './large-letters.ts';
import { letterText } from './letter-text.ts';
import type { LetterQueue, OutgoingMessage } from './ports.ts';
import type { LetterBox } from './topic-letters.ts';

/** Most messages of one request. */
const batchSize = 10;
/** Most bytes of one request, which never is less than one message may have. */
const batchBytes = 262_144;
/** How long a letter waits for others to go with. */
const lingerMs = 20;
/** What the queue did not take is sent again after these times. */
const backoffMs = [200, 500, 1_000, 2_000, 5_000];
const longestAttribute = 1_000;

interface Waiting {
  readonly message: OutgoingMessage;
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** The dead letter queue of a connector in SQS: letters as JSON, what people filter by as attributes, ten in a request. */
export class SqsLetters implements LetterBox {
  readonly #url: string;
  readonly #queue: LetterQueue;
  readonly #maxBytes: number;
  readonly #large: LargeLetters;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  private constructor(options: { url: string; queue: LetterQueue; maxBytes: number; large: LargeLetters; clock: Clock }) {
    this.#url = options.url;
    this.#queue = options.queue;
    this.#maxBytes = options.maxBytes;
    this.#large = options.large;
    this.#clock = options.clock;
  }

  /** Asks the queue for its limit, so that one that is not there or may not be used fails the task before the first record does. */
  static async setup(options: { url: string; queue: LetterQueue; large: LargeLetters; clock: Clock }): Promise<SqsLetters> {
    try {
      return new SqsLetters({ ...options, maxBytes: await options.queue.maxMessageBytes() });
    } catch (cause) {
      throw new ConnectException(`Could not initialize dead letter queue with queue=${options.url}`, { cause });
    }
  }

  async deliver(letter: DeadLetter): Promise<void> {
    const message = await this.#messageOf(letter);
    const bytes = sizeOf(message);
    await new Promise<void>((done, failed) => {
      if (this.#waitingBytes + bytes > batchBytes) this.#push();
      this.#waiting.push({ message, bytes, done, failed });
      this.#waitingBytes += bytes;
      if (this.#waiting.length >= batchSize) this.#push();
      else if (this.#waiting.length === 1) void this.#clock.sleep(lingerMs).then(() => this.#push());
    });
  }

  #push(): void {
    if (this.#waiting.length === 0) return;
    const batch = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    void this.#send(batch);
  }

  async #messageOf(letter: DeadLetter): Promise<OutgoingMessage> {
    const whole = { body: letterText(letter), attributes: attributesOf(letter) };
    if (sizeOf(whole) <= this.#maxBytes) return whole;
    // Bytes take a third more in base64, and letters have some text around them.
    const reduced = await this.#large.reduce(letter, Math.floor((this.#maxBytes - 12_000) * 0.74));
    const small = { body: letterText(reduced), attributes: attributesOf(reduced) };
    if (sizeOf(small) <= this.#maxBytes) return small;
    throw new ConnectException(
      `Could not send message to dead letter queue. queue=${this.#url}: it takes ${this.#maxBytes} bytes, too few for what is known of a failure`,
    );
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    let last: unknown;
    for (let attempt = 0; left.length > 0; attempt++) {
      try {
        const refused = await this.#queue.send(left.map(({ message }) => message));
        for (const [index, each] of left.entries()) if (!refused.has(index)) each.done();
        last = refused.values().next().value ?? last;
        left = left.filter((_, index) => refused.has(index));
      } catch (error) {
        last = error;
      }
      const pause = backoffMs[attempt];
      if (left.length === 0) return;
      if (pause === undefined) break;
      await this.#clock.sleep(pause);
    }
    for (const each of left) each.failed(new ConnectException(`Could not send message to dead letter queue. queue=${this.#url}`, { cause: last }));
  }
}

/** Kafka Connect's context under its own names, less the stack trace, and the time: ten attributes are all that SQS takes. */
function attributesOf(letter: DeadLetter): Record<string, string> {
  const { origin } = letter;
  const all: [string, string | null][] = [
    ['topic', origin?.topic ?? null],
    ['partition', origin === null ? null : origin.kind === 'sink' ? String(origin.partition) : stringifyExact(origin.partition)],
    ['offset', origin === null ? null : origin.kind === 'sink' ? String(origin.offset) : stringifyExact(origin.offset)],
    ['connector.name', letter.connector],
    ['task.id', letter.task === null ? null : String(letter.task)],
    ['stage', letter.stage],
    ['class.name', letter.className],
    ['exception.class.name', letter.exceptionClass],
    ['exception.message', letter.message],
    ['time', letter.failedAt === null ? null : new Date(letter.failedAt).toISOString()],
  ];
  return Object.fromEntries(
    all.flatMap(([name, value]) => {
      const text = attributeText(value ?? '');
      return text === '' ? [] : [[`__connect.errors.${name}`, text]];
    }),
  );
}

/** Only characters that SQS takes, and not too many of them. */
function attributeText(text: string): string {
  return text
    .slice(0, longestAttribute)
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd');
}

/** As SQS counts: body, and names, types and values of attributes. */
function sizeOf({ body, attributes }: OutgoingMessage): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, value] of Object.entries(attributes)) bytes += Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value);
  return bytes;
}
