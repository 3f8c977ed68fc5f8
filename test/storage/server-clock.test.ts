import { describe, expect, test } from 'vitest';
import { ServerClock } from '../../shared/storage/dynamodb/server-clock.ts';
import { tableStorage } from '../../shared/storage/dynamodb/table-storage.ts';
import type { ConnectorSpec, FailureReport, Storage, TaskItem } from '../../shared/storage/ports.ts';
import { ManualClock } from '../kit/storage.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

/** Asks a server, whose clock is ahead by so much; the answer takes its time. */
function ask(server: ServerClock, clock: ManualClock, ahead: number, latencyMs = 10): void {
  const sentAt = clock.now();
  clock.time += latencyMs;
  const second = Math.floor((clock.now() + ahead) / 1_000) * 1_000;
  clock.time += latencyMs;
  server.observe(sentAt, clock.now(), second);
}

describe('the time of the servers', () => {
  test('is the local one while that may be right', () => {
    const clock = new ManualClock();
    const server = new ServerClock(clock);
    expect(server.now()).toBe(clock.now());
    for (let i = 0; i < 50; i++) {
      clock.time += 137;
      ask(server, clock, 0);
    }
    expect(server.offset).toBe(0);
  });

  test.each([90_000, -90_000, 3_600_000])('is known better with every answer when the local clock is off by %i ms', (ahead) => {
    const clock = new ManualClock();
    const server = new ServerClock(clock);
    clock.time += 613;
    ask(server, clock, ahead);
    expect(Math.abs(server.offset - ahead)).toBeLessThanOrEqual(520);
    for (let i = 0; i < 50; i++) {
      clock.time += 137;
      ask(server, clock, ahead);
    }
    expect(Math.abs(server.offset - ahead)).toBeLessThanOrEqual(100);
  });

  test('is learned anew when the local clock is set; an answer that was long on its way says little', () => {
    const clock = new ManualClock();
    const server = new ServerClock(clock);
    ask(server, clock, 60_000);
    ask(server, clock, 60_000, 30_000);
    expect(Math.abs(server.offset - 60_000)).toBeLessThanOrEqual(520);
    clock.time += 60_000;
    ask(server, clock, 0);
    expect(server.offset).toBe(0);
  });
});

describe('leases in it', () => {
  const lost = (task: TaskItem): FailureReport => ({
    ...{ connector: task.connector, task: task.task, generation: task.generation, run: null, epoch: task.epoch, kind: 'run-lost', error: 'lost' },
    ...{ trace: null, at: 0, action: '' },
  });

  /** Two environments at one table: the clock of one is an hour fast. */
  async function environments(): Promise<{
    right: Storage;
    fast: Storage;
    clock: ManualClock;
    acquire: (of: Storage, owner: string, now: number) => Promise<TaskItem | null>;
  }> {
    const [clock, fastClock] = [new ManualClock(), new ManualClock()];
    const [table, server] = [new MemoryTable(), new ServerClock(fastClock)];
    fastClock.time += 3_600_000;
    ask(server, fastClock, -3_600_000);
    const right = tableStorage({ table, clock, dueShards: 1 });
    const fast = tableStorage({ table, clock: fastClock, dueShards: 1, leaseClock: server });
    const spec = (await right.connectors.create({ name: 'c', type: 'source', config: {}, targetState: 'STARTED' })) as ConnectorSpec;
    await right.control.plan(spec, [{ config: {}, partitions: [] }], { assignedTopics: null, specDueAt: null, taskDueAt: null, workerId: 'w' });
    const acquire = async (of: Storage, owner: string, now: number) =>
      (await of.runs.acquire({ connector: 'c', task: 0, generation: spec.generation, owner, workerId: 'w', expiresAt: now + 60_000 }))?.task ?? null;
    return { right, fast, clock, acquire };
  }

  test('are not taken by an environment whose clock is fast, nor freed by such a controller', async () => {
    const { right, fast, clock, acquire } = await environments();
    const held = (await acquire(right, 'right', clock.now())) as TaskItem;
    expect(await acquire(fast, 'fast', clock.now() + 3_600_000)).toBeNull();
    const seen = (await fast.control.task('c', 0)) as TaskItem;
    expect(await fast.control.loseRun(seen, 0, lost(seen))).toBe(false);
    await right.runs.commitSourceOffsets(held, [{ partition: { p: 1 }, offset: { at: 1 } }]);
  });

  test('last as long for others when an environment whose clock is fast takes one', async () => {
    const { right, fast, clock, acquire } = await environments();
    const held = (await acquire(fast, 'fast', clock.now() + 3_600_000)) as TaskItem;
    expect(Math.abs((held.lease?.expiresAt ?? 0) - clock.now() - 60_000)).toBeLessThanOrEqual(1_000);
    expect(await acquire(right, 'right', clock.now())).toBeNull();
    clock.time += 62_000;
    const seen = (await right.control.task('c', 0)) as TaskItem;
    expect(await right.control.loseRun(seen, 0, lost(seen))).toBe(true);
  });
});
