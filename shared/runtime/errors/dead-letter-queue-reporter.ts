import type { Clock } from '../../connect/clock.ts';
import { deadLetterOf } from '../dead-letters/dead-letter.ts';
import type { LetterBox } from '../dead-letters/topic-letters.ts';
import type { Metrics } from '../ports.ts';
import type { ErrorReporter, ProcessingContext } from './processing-context.ts';

/**
 * Sends failed records to the dead letter queues of a connector: original bytes and headers, with what is known of the
 * failure (KIP-298). `flush` must be awaited before offsets are stored past the record.
 */
export class DeadLetterQueueReporter implements ErrorReporter {
  readonly #boxes: readonly LetterBox[];
  readonly #connector: string;
  readonly #task: number;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #hide: (text: string) => string;
  readonly #sent: Promise<void>[] = [];

  /** `hide`: puts references in place of secrets, which plugins and drivers may tell in their messages. */
  constructor(options: { boxes: readonly LetterBox[]; connector: string; task: number; metrics: Metrics; clock: Clock; hide: (text: string) => string }) {
    this.#boxes = options.boxes;
    this.#connector = options.connector;
    this.#task = options.task;
    this.#metrics = options.metrics;
    this.#clock = options.clock;
    this.#hide = options.hide;
  }

  report(context: ProcessingContext): void {
    const dimensions = { connector: this.#connector, task: this.#task };
    const told = deadLetterOf(context, { ...dimensions, now: this.#clock.now() });
    if (told === null) return;
    const letter = { ...told, message: this.#hide(told.message ?? ''), trace: this.#hide(told.trace ?? '') };
    this.#metrics.add('DeadLetters', 1, dimensions);
    for (const box of this.#boxes) {
      this.#metrics.add('deadletterqueue-produce-requests', 1, dimensions);
      const sent = box.deliver(letter).catch((error: unknown) => {
        this.#metrics.add('deadletterqueue-produce-failures', 1, dimensions);
        throw error;
      });
      this.#sent.push(sent);
      // The rejection is told by flush; until then it must not count as unhandled.
      sent.catch(() => {});
    }
  }

  /** Resolves when all reported records are safe. Throws ConnectException when one is not: then nothing may be committed. */
  async flush(): Promise<void> {
    if (this.#sent.length > 0) await Promise.all(this.#sent.splice(0));
  }
}
