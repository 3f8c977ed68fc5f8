import type { Random } from '../random/random.ts';
import type { Kind } from './configs.ts';

/** A body of `PATCH /connectors/…/offsets`, right or wrong. */
export function offsetsBody(random: Random, kind: Kind): unknown {
  if (random.chance(0.15)) return random.pick(noOffsets);
  const wrong = random.chance(0.4);
  const make = kind === 'source' ? sourceOffset : sinkOffset;
  const first = make(random, wrong);
  // Of a sink the real one sets offsets and removes offsets by two requests: where one is refused the other is done.
  if (random.chance(0.7) || (wrong && kind === 'sink')) return { offsets: [first] };
  // Only one is wrong, and none comes twice: the real one goes through them in the order of a hash map.
  const second = make(random, false);
  return { offsets: named(first) === named(second) ? [first] : random.some([first, second], 2) };
}

/** The file or the topic that an offset is about. */
function named(offset: unknown): unknown {
  const { partition } = offset as { partition?: { filename?: unknown; kafka_topic?: unknown } | null };
  return partition?.filename ?? partition?.kafka_topic;
}

const noOffsets: readonly unknown[] = [
  {},
  { offsets: [] },
  { offsets: null },
  { offsets: {} },
  { offsets: [null] },
  { offsets: [{}] },
  { offsets: [{ partition: null, offset: null }] },
  { offsets: [{ partition: {}, offset: {} }] },
  { offsets: [{ offset: { position: 1 } }] },
  { offsets: [{ partition: { filename: '${DIR}/lines.txt' } }] },
  { offset: [] },
  [],
  null,
  'offsets',
];

function sourceOffset(random: Random, wrong: boolean): unknown {
  const filename = random.pick(['${DIR}/lines.txt', '${DIR}/lines.txt', '${DIR}/more.txt', '${DIR}/more.txt', '${DIR}/half.txt', '/else/where.txt']);
  const right = { partition: { filename }, offset: random.pick<unknown>([null, { position: 0 }, { position: 7 }, { position: 14 }, { position: 35 }]) };
  if (!wrong) return right;
  return random.pick<unknown>([
    { ...right, offset: { position: random.pick<unknown>([-1, '7', 1.5, null, true, 'x', 1e15, [], {}]) } },
    { ...right, offset: random.pick<unknown>([{}, { line: 1 }, 'x', 3, [], { position: 7, line: 1 }]) },
    { ...right, partition: random.pick<unknown>([{}, { file: filename }, { filename: 7 }, { filename: null }, 'x', [], { filename, more: 1 }]) },
    { ...right, more: 1 },
  ]);
}

function sinkOffset(random: Random, wrong: boolean): unknown {
  const partition = { kafka_topic: random.pick(['feed-two-${RUN}', 'feed-two-${RUN}', 'feed-one-${RUN}']), kafka_partition: random.pick([0, 0, 0, '0']) };
  const right = { partition, offset: random.pick<unknown>([null, { kafka_offset: 0 }, { kafka_offset: 1 }, { kafka_offset: '2' }]) };
  if (!wrong) return right;
  return random.pick<unknown>([
    { ...right, offset: { kafka_offset: random.pick<unknown>([-1, 'x', 1.5, null, true, 99, '', [], {}]) } },
    { ...right, offset: random.pick<unknown>([{}, { offset: 1 }, 'x', 3, [], { kafka_offset: 1, more: 2 }]) },
    { ...right, partition: { ...partition, kafka_partition: random.pick<unknown>([-1, 7, 'x', 1.5, null, true, '']) } },
    { ...right, partition: { ...partition, kafka_topic: random.pick<unknown>(['no-such-${ID}', '', null, 7, 'a b']) } },
    { ...right, partition: random.pick<unknown>([{}, { topic: 'a' }, { kafka_topic: 'feed-one-${RUN}' }, { kafka_partition: 0 }, 'x', []]) },
    { ...right, partition: { ...partition, more: 1 } },
  ]);
}
