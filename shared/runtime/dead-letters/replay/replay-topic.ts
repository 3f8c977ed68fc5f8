import type { LetterPlaces, Replay, ReplayCounts } from '../../../storage/ports.ts';
import type { DeadLetter } from '../dead-letter.ts';
import { isOf, matches } from '../letter-filter.ts';
import { boundsOf, digestOf, type LetterInTopic, placeOfId, TopicLetterReader } from '../topic-letter-reader.ts';
import { type ChosenLetter, unreplayable } from './letter-pipeline.ts';
import type { ReplayProgress, ReplayWork } from './replay-run.ts';

/** Letters that go through the pipeline together: as many may go through twice when a run dies. */
const pageSize = 100;
const pollMs = 1_000;
/** A page without letters to replay is no reason to write, until so much time has passed. */
const commitIntervalMs = 10_000;

/** The partitions of a dead letter topic that a replay looks at: from where, and where they end now. */
export async function topicBounds(
  { letters }: Pick<ReplayWork, 'letters'>,
  ids: readonly string[] | null,
): Promise<{ positions: Replay['positions']; ends: Replay['ends'] }> {
  const { beginnings, ends } = await boundsOf(letters.admin(), letters.topic);
  if (ids === null) return { positions: beginnings, ends };
  const places = ids.flatMap((id) => placeOfId(id) ?? []);
  const positions = new Map<string, bigint>();
  const chosenEnds = new Map<string, bigint>();
  for (const [partition, some] of Map.groupBy(places, (place) => String(place.partition))) {
    const [beginning, end] = [beginnings.get(partition), ends.get(partition)];
    if (beginning === undefined || end === undefined) continue;
    const offsets = some.map(({ offset }) => offset).sort((a, b) => (a < b ? -1 : 1));
    const [first, last] = [offsets[0] as bigint, (offsets.at(-1) as bigint) + 1n];
    positions.set(partition, first > beginning ? first : beginning);
    chosenEnds.set(partition, last < end ? last : end);
  }
  return { positions, ends: chosenEnds };
}

/** Where a topic was deleted and made anew, what was replayed of it says nothing about the letters in it now. */
export async function forgetOther({ ports, letters }: Pick<ReplayWork, 'letters'> & { ports: Pick<ReplayWork['ports'], 'storage'> }): Promise<void> {
  const { replays } = ports.storage;
  const { topic, connector } = letters;
  const { beginnings, ends } = await boundsOf(letters.admin(), topic);
  for (const partition of ends.keys()) {
    const last = await replays.lastReplayed(connector, topic, Number(partition));
    const [beginning, end] = [beginnings.get(partition) ?? 0n, ends.get(partition) ?? 0n];
    // Deleted by retention: all that are left are newer.
    if (last === null || last.offset < beginning) continue;
    if (last.offset < end && (await digestAt(letters, partition, last.offset)) === last.digest) continue;
    await replays.forget(connector, topic, Number(partition));
  }
}

async function digestAt(letters: ReplayWork['letters'], partition: string, offset: bigint): Promise<string | null> {
  const reader = new TopicLetterReader(letters.topic, letters.reader(1), new Map([[partition, offset]]), new Map([[partition, offset + 1n]]));
  try {
    while (!reader.done) {
      const [found] = await reader.read(pollMs);
      if (found !== undefined) return found.offset === offset ? digestOf(found.record) : null;
    }
    return null;
  } finally {
    await reader.close();
  }
}

/** Letters of a topic through the pipeline, in the order of each partition, up to where it ended when the replay was asked for. */
export async function replayTopic(work: ReplayWork): Promise<ReplayProgress> {
  const { ports, replay, letters, pipeline, signal, request } = work;
  const { storage, clock } = ports;
  if (!request.again) await forgetOther(work);
  const reader = new TopicLetterReader(letters.topic, letters.reader(pageSize), replay.positions, replay.ends);
  let counts: ReplayCounts = replay.counts;
  let committed = counts;
  let committedAt = clock.now();
  try {
    while (!reader.done) {
      if (signal.aborted) break;
      const page = await reader.read(pollMs, signal);
      const { chosen, places, alreadyReplayed, unreadable } = await choose(work, page);
      const result = chosen.length === 0 ? null : await pipeline.put(chosen, signal);
      if (result?.safe === false) return { counts: committed, next: { delayMs: result.delayMs, why: result.why } };
      counts = {
        read: counts.read + page.length,
        replayed: counts.replayed + chosen.length,
        failedAgain: counts.failedAgain + (result?.failedAgain ?? 0),
        alreadyReplayed: counts.alreadyReplayed + alreadyReplayed,
        unreadable: counts.unreadable + unreadable,
      };
      if (chosen.length === 0 && !reader.done && clock.now() - committedAt < commitIntervalMs) continue;
      await storage.replays.commit(replay, { positions: reader.positions, counts, done: places });
      [committed, committedAt] = [counts, clock.now()];
    }
    if (counts !== committed) await storage.replays.commit(replay, { positions: reader.positions, counts, done: [] });
    return { counts, next: reader.done ? 'over' : { delayMs: 0, why: null } };
  } finally {
    await reader.close();
  }
}

async function choose({ ports, request, letters, kind }: ReplayWork, page: readonly LetterInTopic[]) {
  const ids = request.ids === null ? null : new Set(request.ids);
  const wanted = page.filter(({ id, letter }) => (ids === null || ids.has(id)) && isOf(letters.connector, letter) && matches(request.filter, letter));
  const { topic } = letters;
  const chosen: ChosenLetter[] = [];
  const places: (LetterPlaces & { last: { offset: bigint; digest: string } })[] = [];
  let [alreadyReplayed, unreadable] = [0, 0];
  for (const [partition, some] of Map.groupBy(wanted, (each) => each.partition)) {
    const offsets = some.map(({ offset }) => offset);
    const before = request.again ? new Set<bigint>() : await ports.storage.replays.replayed(letters.connector, { topic, partition, offsets });
    const going: LetterInTopic[] = [];
    for (const each of some) {
      if (before.has(each.offset)) alreadyReplayed++;
      else {
        const letter = await readable(letters, each, kind, ports.logger);
        if (letter === null) unreadable++;
        else {
          chosen.push({ id: each.id, letter });
          going.push(each);
        }
      }
    }
    const last = going.at(-1);
    if (last !== undefined)
      places.push({ topic, partition, offsets: going.map(({ offset }) => offset), last: { offset: last.offset, digest: digestOf(last.record) } });
  }
  return { chosen, places, alreadyReplayed, unreadable };
}

/** The whole letter, with where its record is from; null, and a word in the log, for one that cannot be replayed. */
async function readable(
  letters: ReplayWork['letters'],
  { id, offset, letter }: LetterInTopic,
  kind: ReplayWork['kind'],
  logger: ReplayWork['ports']['logger'],
): Promise<DeadLetter | null> {
  const { onlyTopic, connector } = letters;
  const placed = letter.origin === null && kind === 'sink' && onlyTopic !== null ? { ...letter, origin: sinkOrigin(onlyTopic, offset) } : letter;
  const why = unreplayable(placed, kind);
  if (why === null) return placed.claim === null ? placed : wholeOrNull(letters, placed, id, logger);
  logger.warn(`Dead letter ${id} of connector ${connector} cannot be replayed: ${why}`, { connector });
  return null;
}

/** Without context headers: as if the record were at the letter's place. */
const sinkOrigin = (topic: string, offset: bigint) => ({ kind: 'sink', topic, partition: 0, offset }) as const;

/** The letter out of S3; null, and a word in the log, when it is gone. Rejects with RetriableException when S3 does not answer. */
export async function wholeOrNull(
  letters: ReplayWork['letters'],
  letter: DeadLetter,
  id: string,
  logger: ReplayWork['ports']['logger'],
): Promise<DeadLetter | null> {
  try {
    const whole = await letters.whole(letter);
    // The pointer knows how often it was replayed: the object is as it was first.
    return { ...whole, replays: letter.replays };
  } catch (error) {
    if ((error as { javaClass?: string }).javaClass === 'org.apache.kafka.connect.errors.RetriableException') throw error;
    logger.warn(`Dead letter ${id} of connector ${letters.connector} cannot be replayed: ${(error as Error).message}`, { connector: letters.connector });
    return null;
  }
}
