import { beforeEach, describe, expect, test } from 'vitest';
import type { Replay, Storage } from '../../shared/storage/ports.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

describe('replays in the table', () => {
  let clock: ManualClock;
  let storage: Storage;
  const counts = { read: 1, replayed: 1, failedAgain: 0, alreadyReplayed: 0, unreadable: 0 };
  const create = (id: string) =>
    storage.replays.create({ connector: 'c', id, request: { queue: 'topic' }, positions: new Map([['0', 0n]]), ends: new Map([['0', 9n]]) });
  const acquire = (id: string, owner = 'run') => storage.replays.acquire({ connector: 'c', id, owner, expiresAt: clock.now() + 1_000 });
  const finish = async (id: string) => {
    await create(id);
    await storage.replays.release((await acquire(id)) as Replay, { state: 'COMPLETED', error: null, trace: null });
    clock.time += 1;
  };

  beforeEach(async () => {
    clock = new ManualClock();
    storage = createMemoryStorage(clock);
    await storage.connectors.create({ name: 'c', type: 'sink', config: {}, targetState: 'STARTED' });
  });

  test('there is one at a time, and none of a connector that is not there', async () => {
    expect(await create('a')).toMatchObject({ id: 'a', state: 'PENDING', ends: new Map([['0', 9n]]) });
    expect(await create('b')).toBeNull();
    await storage.replays.cancel('c', 'a');
    expect(await create('b')).toMatchObject({ id: 'b' });
    const other = { connector: 'x', id: 'a', request: {}, positions: new Map(), ends: new Map() };
    expect(await storage.replays.create(other)).toBeNull();
  });

  test('a run holds it until it gives it back or its lease is over, and then stores nothing more', async () => {
    await create('a');
    expect((await storage.control.due(clock.now())).replays).toMatchObject([{ id: 'a', lease: null }]);
    const first = (await acquire('a', 'one')) as Replay;
    expect(await acquire('a', 'two')).toBeNull();
    expect((await storage.control.due(clock.now())).replays).toEqual([]);
    clock.time += 1_001;
    expect((await storage.control.due(clock.now())).replays).toMatchObject([{ id: 'a', lease: { owner: 'one' } }]);
    const second = (await acquire('a', 'two')) as Replay;
    expect(second).toMatchObject({ epoch: 2, lostRuns: 1 });
    const progress = { positions: new Map([['0', 3n]]), counts, done: [{ topic: 'd', partition: 0, offsets: [2n], last: { offset: 2n, digest: 'x' } }] };
    await expect(storage.replays.commit(first, progress)).rejects.toMatchObject({ name: 'FencedException' });
    expect(await storage.replays.lastReplayed('c', 'd', 0)).toBeNull();
    await storage.replays.commit(second, progress);
    expect(await storage.replays.get('c', 'a')).toMatchObject({ positions: new Map([['0', 3n]]), counts });
    await expect(storage.replays.release(first, { dueAt: 0, error: null })).rejects.toMatchObject({ name: 'FencedException' });
    await storage.replays.release(second, { dueAt: clock.now(), error: null });
    expect(await acquire('a', 'three')).toMatchObject({ lostRuns: 0, positions: new Map([['0', 3n]]) });
  });

  test('one that is cancelled while a run has it stores nothing more', async () => {
    await create('a');
    const held = (await acquire('a')) as Replay;
    expect(await storage.replays.cancel('c', 'a')).toMatchObject({ state: 'CANCELLED' });
    await expect(storage.replays.commit(held, { positions: new Map(), counts, done: [] })).rejects.toMatchObject({ name: 'FencedException' });
    expect(await acquire('a')).toBeNull();
    expect((await storage.control.due(clock.now() + 10_000)).replays).toEqual([]);
  });

  test('remembers which letters were replayed, however far apart, until the topic is another', async () => {
    await create('a');
    const replay = (await acquire('a')) as Replay;
    const offsets = [0n, 7n, 65_535n, 65_536n, 5_000_000_000n];
    const last = { offset: 5_000_000_000n, digest: 'x' };
    await storage.replays.commit(replay, { positions: new Map(), counts, done: [{ topic: 'd', partition: 0, offsets, last }] });
    await storage.replays.commit(replay, { positions: new Map(), counts, done: [{ topic: 'd', partition: 0, offsets: [8n], last: { ...last, offset: 8n } }] });
    const asked = [...offsets, 1n, 8n, 65_534n, 65_537n, 4_999_999_999n];
    expect([...(await storage.replays.replayed('c', { topic: 'd', partition: 0, offsets: asked }))].sort()).toEqual([...offsets, 8n].sort());
    expect(await storage.replays.replayed('c', { topic: 'd', partition: 1, offsets: asked })).toEqual(new Set());
    expect(await storage.replays.lastReplayed('c', 'd', 0)).toEqual({ offset: 8n, digest: 'x' });
    await storage.replays.forget('c', 'd', 0);
    expect(await storage.replays.replayed('c', { topic: 'd', partition: 0, offsets: asked })).toEqual(new Set());
  });

  test('those that are over are kept for a while, the newest first; a connector takes none with it', async () => {
    for (let each = 10; each < 40; each++) await finish(`r${each}`);
    const ids = (await storage.replays.list('c')).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 21 }, (_, at) => `r${39 - at}`));
    await storage.connectors.delete('c');
    expect(await storage.replays.get('c', 'r39')).toMatchObject({ state: 'COMPLETED' });
  });
});
