import { randomUUID } from 'node:crypto';
import { FencedException, type Replay, type ReplayCounts, type ReplayState, type ReplayStore } from '../ports.ts';
import { bounded, connectorPk, keyOfItem, offsetsOf, schedule, specKey } from './items.ts';
import { leaseTime } from './lease-time.ts';
import { bitsIn, chunksOf, withBits } from './replayed-letters.ts';
import { anyOf, atMost, type Change, equal, type Item, type Key, missing, type Operation, present, same, transactions } from './table.ts';
import type { TableContext } from './table-storage.ts';

export const replayPrefix = 'REPLAY#';
/** Of the items that tell which letters were replayed. */
export const replayedPrefix = 'REPLAYED#';
/** How many are kept of a connector that are over. */
const kept = 20;

const replayKey = (connector: string, id: string): Key => ({ pk: connectorPk(connector), sk: `${replayPrefix}${id}` });
/** Names the replay under way: there is one at a time. */
const currentKey = (connector: string): Key => ({ pk: connectorPk(connector), sk: 'REPLAYING' });
const lettersPrefix = (topic: string, partition: number) => `${replayedPrefix}${topic}#${partition}#`;
const lettersKey = (connector: string, topic: string, partition: number, part: string): Key => ({
  pk: connectorPk(connector),
  sk: `${lettersPrefix(topic, partition)}${part}`,
});
const none: ReplayCounts = { read: 0, replayed: 0, failedAgain: 0, alreadyReplayed: 0, unreadable: 0 };

export function replayStore(context: TableContext): ReplayStore {
  const { table, clock, dueShards } = context;
  const get = async (connector: string, id: string) => {
    const item = await table.get(replayKey(connector, id));
    return item && replayOf(item);
  };
  const list = async (connector: string) => (await table.query({ pk: connectorPk(connector), prefix: replayPrefix })).map(replayOf).reverse();
  const off = (connector: string) => schedule(connector, dueShards, null).remove;

  return {
    get,
    list,

    async create({ connector, id, request, positions, ends }) {
      const now = clock.now();
      const { set } = schedule(connector, dueShards, now);
      const item: Item = {
        ...replayKey(connector, id),
        connector,
        id,
        state: 'PENDING' satisfies ReplayState,
        request,
        positions: Object.fromEntries(positions),
        ends: Object.fromEntries(ends),
        counts: none,
        createdAt: now,
        updatedAt: now,
        epoch: 0,
        lostRuns: 0,
        ...set,
        // Its stream shows it to the controller.
        wake: `replay ${id}`,
      };
      const old = (await list(connector)).slice(kept).filter(({ state }) => state !== 'PENDING' && state !== 'RUNNING');
      const refused = await table.transact([
        { check: specKey(connector), when: [present('pk')] },
        { put: { ...currentKey(connector), replay: id }, when: [missing('replay')] },
        { put: item, when: [missing('pk')] },
        ...old.map((each): Operation => ({ delete: replayKey(connector, each.id) })),
      ]);
      if (refused.length > 0) return null;
      return replayOf(item);
    },

    async acquire({ connector, id, owner, expiresAt }) {
      const key = replayKey(connector, id);
      const before = await table.get(key, ['owner']);
      const leaseId = randomUUID();
      const { now, leaseExpiresAt } = leaseTime(context, expiresAt);
      const { set } = schedule(connector, dueShards, leaseExpiresAt);
      // Who held it has ended without a word.
      const lost = before?.['owner'] !== undefined;
      const change: Change = {
        set: { ...set, owner, leaseId, leaseExpiresAt, state: 'RUNNING', ...(lost ? {} : { lostRuns: 0 }) },
        add: { epoch: 1, ...(lost ? { lostRuns: 1 } : {}) },
      };
      const going = anyOf(equal('state', 'PENDING'), equal('state', 'RUNNING'));
      const free = lost ? [equal('owner', before['owner']), atMost('leaseExpiresAt', now)] : [missing('owner')];
      const item = (await table.update(key, change, [going, ...free], { returnNew: true })) ?? (await table.get(key));
      return item?.['leaseId'] === leaseId ? replayOf(item) : null;
    },

    async commit(replay, { positions, counts, done }) {
      const { connector, id } = replay;
      const puts: Operation[] = [];
      for (const { topic, partition, offsets, last } of done) {
        for (const [chunk, bits] of chunksOf(offsets)) {
          const key = lettersKey(connector, topic, partition, String(chunk));
          puts.push({ put: { ...key, bits: withBits((await table.get(key))?.['bits'], bits) } });
        }
        puts.push({ put: { ...lettersKey(connector, topic, partition, 'last'), ...last } });
      }
      const change = { set: { positions: Object.fromEntries(positions), counts, updatedAt: clock.now() }, remove: ['error'] };
      const update: Operation = { update: replayKey(connector, id), change, when: held(replay) };
      const parts = transactions(puts, 1);
      // The position moves with the last part: until then the letters are done, and the position is before them.
      for (const part of parts.slice(0, -1)) {
        if ((await table.transact([{ check: replayKey(connector, id), when: held(replay) }, ...part])).length > 0) throw fenced(replay);
      }
      if ((await table.transact([update, ...(parts.at(-1) ?? [])])).length > 0) throw fenced(replay);
    },

    async release(replay, outcome) {
      const { connector, id } = replay;
      const lease = ['owner', 'leaseId', 'leaseExpiresAt'];
      const error = outcome.error === null ? { set: {}, remove: ['error'] } : { set: { error: bounded(outcome.error) }, remove: [] };
      if ('dueAt' in outcome) {
        const { set } = schedule(connector, dueShards, outcome.dueAt);
        const change = { set: { ...set, ...error.set, updatedAt: clock.now() }, remove: [...lease, ...error.remove], wake: outcome.dueAt <= clock.now() };
        if ((await table.update(replayKey(connector, id), change, held(replay))) === null) throw fenced(replay);
        return;
      }
      const trace = outcome.trace === null ? {} : { trace: bounded(outcome.trace) };
      const change = { set: { state: outcome.state, ...error.set, ...trace, updatedAt: clock.now() }, remove: [...lease, ...error.remove, ...off(connector)] };
      const end = { delete: currentKey(connector), when: [equal('replay', id)] };
      if ((await table.transact([{ update: replayKey(connector, id), change, when: held(replay) }, end])).length > 0) throw fenced(replay);
    },

    async cancel(connector, id) {
      const change = { set: { state: 'CANCELLED', updatedAt: clock.now() }, remove: ['owner', 'leaseId', 'leaseExpiresAt', ...off(connector)] };
      const going = anyOf(equal('state', 'PENDING'), equal('state', 'RUNNING'));
      const end = { delete: currentKey(connector), when: [equal('replay', id)] };
      await table.transact([{ update: replayKey(connector, id), change, when: [going] }, end]);
      return get(connector, id);
    },

    async defer(replay, dueAt) {
      const { set } = schedule(replay.connector, dueShards, dueAt);
      const when = [equal('epoch', replay.epoch), same('dueAt', replay.dueAt), replay.lease === null ? missing('owner') : equal('owner', replay.lease.owner)];
      return (await table.update(replayKey(replay.connector, replay.id), { set }, when)) !== null;
    },

    async free(connector, id, owner) {
      const { set } = schedule(connector, dueShards, clock.now());
      // The lease is over, not gone: whoever takes it sees that a run was lost.
      const change = { set: { ...set, leaseExpiresAt: 0 }, wake: true };
      return (await table.update(replayKey(connector, id), change, [equal('owner', owner)])) !== null;
    },

    async replayed(connector, { topic, partition, offsets }) {
      const found = new Set<bigint>();
      for (const [chunk, bits] of chunksOf(offsets)) {
        const item = await table.get(lettersKey(connector, topic, partition, String(chunk)));
        for (const offset of bitsIn(item?.['bits'], chunk, bits)) found.add(offset);
      }
      return found;
    },

    async lastReplayed(connector, topic, partition) {
      const item = await table.get(lettersKey(connector, topic, partition, 'last'));
      return item && { offset: BigInt(item['offset'] as number), digest: item['digest'] as string };
    },

    async forget(connector, topic, partition) {
      const items = await table.query({ pk: connectorPk(connector), prefix: lettersPrefix(topic, partition), attributes: ['pk', 'sk'] });
      for (const some of transactions(
        items.map((item) => ({ delete: keyOfItem(item) })),
        0,
      ))
        await table.transact(some);
    },
  };
}

/** Reads a replay. */
export function replayOf(item: Item): Replay {
  const owner = item['owner'] as string | undefined;
  const epoch = Number(item['epoch']);
  return {
    connector: item['connector'] as string,
    id: item['id'] as string,
    state: item['state'] as ReplayState,
    request: item['request'] as Replay['request'],
    positions: offsetsOf(item['positions']),
    ends: offsetsOf(item['ends']),
    counts: { ...none, ...(item['counts'] as ReplayCounts | undefined) },
    error: (item['error'] as string | undefined) ?? null,
    trace: (item['trace'] as string | undefined) ?? null,
    createdAt: Number(item['createdAt']),
    updatedAt: Number(item['updatedAt']),
    epoch,
    lease: owner === undefined ? null : { owner, epoch, expiresAt: Number(item['leaseExpiresAt']) },
    dueAt: item['dueAt'] === undefined ? null : Number(item['dueAt']),
    lostRuns: Number(item['lostRuns'] ?? 0),
  };
}

const held = ({ epoch, lease }: Replay) => [equal('epoch', epoch), equal('owner', lease?.owner ?? ''), equal('state', 'RUNNING')];

function fenced({ connector, id }: Replay): FencedException {
  return new FencedException(`Replay ${id} of connector ${connector} was cancelled, or another run took it over`);
}
