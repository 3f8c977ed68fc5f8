import type { ReplayCounts } from '../../../storage/ports.ts';
import type { DeadLetter } from '../dead-letter.ts';
import { isOf, matches } from '../letter-filter.ts';
import { letterOfText } from '../letter-text.ts';
import type { LetterQueue, ReceivedMessage } from '../ports.ts';
import { type ChosenLetter, unreplayable } from './letter-pipeline.ts';
import type { ReplayProgress, ReplayWork } from './replay-run.ts';
import { wholeOrNull } from './replay-topic.ts';

/** Letters that go through the pipeline together. */
const pageSize = 100;
/** Nobody else gets a message while it goes through the pipeline; what is left alone comes back when the run ends. */
const hiddenSeconds = 300;
const waitSeconds = 2;
/** Messages that another has received may come back: a replay ends when there was none for this time. */
const othersMs = 600_000;
const othersPauseMs = 20_000;

/** Letters of an SQS queue through the pipeline, in no order. A message is deleted once its record is safe. */
export async function replayQueue(work: ReplayWork): Promise<ReplayProgress> {
  const { ports, replay, letters, pipeline, signal } = work;
  const { storage, clock } = ports;
  const queue = letters.queue();
  const held: string[] = [];
  let counts: ReplayCounts = replay.counts;
  try {
    while (!signal.aborted) {
      const messages = await receive(queue, signal);
      if (messages.length === 0) {
        const others = (await queue.size()).hidden - held.length;
        const waited = clock.now() - Math.max(replay.createdAt, replay.updatedAt);
        if (others <= 0 || waited > othersMs) return { counts, next: 'over' };
        return {
          counts,
          next: { delayMs: othersPauseMs, why: `About ${others} messages are with somebody else, or with a run that was lost: they come back by themselves` },
        };
      }
      const { chosen, receipts, rest, unreadable } = await choose(work, messages);
      held.push(...rest);
      if (chosen.length > 0) {
        const result = await pipeline.put(chosen, signal);
        if (!result.safe) {
          held.push(...receipts);
          return { counts, next: { delayMs: result.delayMs, why: result.why } };
        }
        await queue.delete(receipts);
        counts = { ...counts, replayed: counts.replayed + chosen.length, failedAgain: counts.failedAgain + result.failedAgain };
      }
      counts = { ...counts, read: counts.read + messages.length, unreadable: counts.unreadable + unreadable };
      await storage.replays.commit(replay, { positions: new Map(), counts, done: [] });
    }
    return { counts, next: { delayMs: 0, why: null } };
  } finally {
    await queue.hide(held, 0).catch((error: unknown) => {
      ports.logger.warn('Messages that are not replayed are seen again only in some minutes', { connector: letters.connector, error: String(error) });
    });
  }
}

async function receive(queue: LetterQueue, signal: AbortSignal): Promise<ReceivedMessage[]> {
  const messages: ReceivedMessage[] = [];
  while (messages.length < pageSize && !signal.aborted) {
    const some = await queue.receive({ max: 10, hiddenSeconds, waitSeconds: messages.length === 0 ? waitSeconds : 0 });
    if (some.length === 0) break;
    messages.push(...some);
  }
  return messages;
}

async function choose({ ports, replay, request, letters, kind }: ReplayWork, messages: readonly ReceivedMessage[]) {
  const ids = request.ids === null ? null : new Set(request.ids);
  const chosen: ChosenLetter[] = [];
  const receipts: string[] = [];
  const rest: string[] = [];
  let unreadable = 0;
  for (const { id, receipt, body } of messages) {
    const letter = letterOfText(body);
    const wanted = letter !== null && (ids === null || ids.has(id)) && isOf(letters.connector, letter) && matches(request.filter, letter);
    // What failed again in this replay has come after it began: it is for another.
    const again = letter !== null && letter.replays > 0 && (letter.failedAt ?? 0) >= replay.createdAt;
    const whole = !wanted || again ? null : await readable(letters, letter, id, kind, ports.logger);
    if (wanted && !again && whole === null) unreadable++;
    if (whole === null) rest.push(receipt);
    else {
      chosen.push({ id, letter: whole });
      receipts.push(receipt);
    }
  }
  return { chosen, receipts, rest, unreadable };
}

async function readable(
  letters: ReplayWork['letters'],
  letter: DeadLetter,
  id: string,
  kind: ReplayWork['kind'],
  logger: ReplayWork['ports']['logger'],
): Promise<DeadLetter | null> {
  const why = unreplayable(letter, kind);
  if (why === null) return letter.claim === null ? letter : wholeOrNull(letters, letter, id, logger);
  logger.warn(`Dead letter ${id} of connector ${letters.connector} cannot be replayed: ${why}`, { connector: letters.connector });
  return null;
}
