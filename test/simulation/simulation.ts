import { partitionKey } from '../../shared/connect/topic-partition.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { replayedPrefix } from '../../shared/storage/dynamodb/replay-store.ts';
import { tableStorage } from '../../shared/storage/dynamodb/table-storage.ts';
import { DamagedItemException, type FailureReport } from '../../shared/storage/ports.ts';
import { MemoryTable } from './memory-table.ts';
import { type Plants, Platform } from './platform.ts';
import { isBad, type Origin, outOfOrder, sourceTasks, Target } from './sim-connectors.ts';
import { SimKafka } from './sim-kafka.ts';
import { deadLetters, SimReplays } from './sim-replays.ts';
import { World } from './world.ts';

/** What came of one seed. `violations`: what may never happen, and did. */
export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly events: number;
  readonly records: number;
}

const faultyMs = 120_000;
/** How long after the last fault everything may take: leases of 70 s expire, and a task that crashed often waits for five minutes. */
const settleMs = 45 * 60_000;
const tickMs = 10_000;
const callTimeoutMs = 30_000;
const source = 'numbers';
const sink = 'writer';

/**
 * Runtime, controller, herder and stores over an in-memory Kafka, table and clock, disturbed as the seed says. After every write of the
 * table the invariants hold; after the faults have stopped everything arrives. The same seed does the same.
 */
export async function simulate(seed: number, plants: Plants = {}): Promise<SimulationResult> {
  const world = new World(seed);
  world.faultsUntil = world.now + faultyMs;
  // In a third of the worlds nobody sets the clocks.
  if (world.random.chance(0.33)) world.skewMs = 90_000;
  const kafka = new SimKafka();
  const origin: Origin = { available: 0, downUntil: 0, tasks: world.random.int(1, 3) };
  const target = new Target();
  const table = new MemoryTable();
  const violations: string[] = [];
  const records = world.random.int(20, 120);
  const partitions = world.random.int(1, 5);
  kafka.createTopic('numbers', 3);

  const appended = new Map<number, Set<number>>();
  const appendedUpTo = new Map<number, number>();
  kafka.onAppend = ({ topic }, { value, headers }) => {
    if (topic === deadLetters) {
      const { key, offset } = SimReplays.originOf(headers);
      if (!isBad(value)) violated(`the good record ${value} is a dead letter`);
      return target.writeLate(key, offset);
    }
    const [partition = 0, number = 0] = String(value).split(':').map(Number);
    const numbers = appended.get(partition) ?? new Set();
    appended.set(partition, numbers.add(number));
    let next = appendedUpTo.get(partition) ?? 0;
    while (numbers.has(next)) next++;
    appendedUpTo.set(partition, next);
  };

  // The stores as nobody disturbs them.
  const seen = tableStorage({ table, clock: { now: () => world.now, sleep: async () => {}, nextTurn: async () => {} }, dueShards: 4 });
  const replays = new SimReplays({ kafka, target, seen, sink, call: (action) => call(action) });
  const stored = new Map<string, bigint>();
  /** Set while a user changes offsets: they may go back then. */
  let altering = 0;
  const violated = (what: string) => {
    if (violations.length < 5) violations.push(`${world.now - (world.faultsUntil - faultyMs)} ms: ${what}`);
  };
  /** Offsets were written since the last look at them. */
  let dirty = true;
  let lettersDone = false;
  const check = async () => {
    if (lettersDone) {
      lettersDone = false;
      const wrong = await replays.wrong();
      if (wrong !== null) violated(wrong);
    }
    if (!dirty) return;
    dirty = false;
    const sinkOffsets = await seen.offsets.sinkOffsets(sink);
    for (const [key, offset] of sinkOffsets) {
      if (offset > target.completeUpTo(key))
        violated(`offset ${offset} of ${key} is stored, but what is before it is written only up to ${target.completeUpTo(key)}`);
      monotone(`sink ${key}`, offset);
    }
    for (const name of [source, sink]) {
      const { tasks = [] } = (await seen.connectors.snapshot(name)) ?? {};
      const generations = new Set(tasks.filter(({ lease }) => lease !== null && lease.expiresAt > world.now).map(({ generation }) => generation));
      if (generations.size > 1) violated(`tasks of ${name} run under several generations: ${[...generations].join(', ')}`);
    }
    for (const { partition, offset } of await seen.offsets.sourceOffsets(source)) {
      const [number, position] = [Number(partition['partition']), Number(offset['position'])];
      const there = appendedUpTo.get(number) ?? 0;
      if (position > there) violated(`source offset ${position} of partition ${number} is stored, but Kafka has only ${there} records of it`);
      monotone(`source ${number}`, BigInt(position));
    }
  };
  table.onStore = (before, after) => {
    lettersDone ||= String(after['sk']).startsWith(replayedPrefix);
    dirty ||= after['offsets'] !== before?.['offsets'] || after['offset'] !== undefined;
    const { owner, leaseExpiresAt, failure, sk } = before ?? {};
    // A second is what the table's answers leave open.
    if (owner === undefined || owner === after['owner'] || Number(leaseExpiresAt) <= world.now + 2_000) return;
    const lost = failure === undefined && (after['failure'] as FailureReport | undefined)?.kind === 'run-lost';
    if (after['owner'] !== undefined || lost) violated(`the lease of ${owner} on ${sk} was taken away ${Number(leaseExpiresAt) - world.now} ms before its end`);
  };
  const monotone = (key: string, offset: bigint) => {
    const before = stored.get(key) ?? 0n;
    if (offset < before && altering === 0) violated(`${key} went back from ${before} to ${offset}: a run that lost its lease stored it`);
    stored.set(key, offset);
  };

  const platform = new Platform({ world, kafka, table, origin, target, plants, onWrite: check });
  /** Calls come from people: they try again when they are refused, or hear nothing because the process behind the API died. */
  const call = async (action: (herder: Herder) => Promise<unknown>, tries = 1, { slow = 0.05, slowMs = 4_000 } = {}): Promise<boolean> => {
    for (let attempt = 0; attempt < tries; attempt++) {
      const process = platform.process('api');
      if (world.fault(0.05)) world.schedule(world.random.int(1, 200), () => process.kill());
      // A machine with too much to do: what it has read may be old when it writes.
      if (world.fault(slow)) world.schedule(world.random.int(10, 90), () => process.freeze(world.random.int(800, slowMs)));
      const done = action(new Herder(platform.ports(process))).then(
        () => true,
        () => false,
      );
      if (await Promise.race([done, world.delay(callTimeoutMs).then(() => false)])) return true;
      await world.delay(500);
    }
    return false;
  };
  // Half of the sources look by themselves, the others are told when there is something.
  const byEvent = world.random.chance(0.5);
  const short = world.random.chance(0.5);
  const sourceConfig = {
    ...{ 'connector.class': 'sim.NumbersSource', partitions: String(partitions) },
    ...(byEvent ? { 'sluice.trigger': 'event' } : {}),
    ...(short ? { 'sluice.idle.linger.ms': '0' } : {}),
  };
  const tolerant = {
    ...{ 'errors.tolerance': 'all', 'errors.deadletterqueue.topic.name': deadLetters },
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
  const tolerates = world.random.chance(0.5);
  const sinkConfig = { 'connector.class': 'sim.WritingSink', topics: 'numbers', ...(tolerates ? tolerant : {}) };
  let lettersReplayed = !tolerates;
  // In a third of the worlds failures heal by themselves, and nobody restarts anything when the faults are over.
  const selfHealing = world.random.chance(0.33);
  const healing = { 'sluice.restart.max.attempts': '1000000', 'sluice.restart.backoff.ms': '2000', 'sluice.restart.backoff.max.ms': '60000' };
  const configOf = (name: string) => ({
    name,
    ...(selfHealing ? healing : {}),
    ...(name === source ? sourceConfig : sinkConfig),
    'tasks.max': String(world.random.int(1, 3)),
    dummy: String(world.random.int(0, 9)),
  });

  /** When a connector was last deleted. */
  const deletedAt = new Map<string, number>();
  /** Where users set the sink back to, and how often the record there had been written by then: it must come again. */
  const setBack = new Map<string, { offset: bigint; before: number }>();
  const timesWritten = (key: string, offset: bigint) => target.written.get(key)?.get(offset) ?? 0;

  /** What connectors read and write goes away for a while, each by itself. */
  const outages = async (system: { downUntil: number }) => {
    while (world.now < world.faultsUntil) {
      await world.delay(world.random.int(10_000, 60_000));
      if (world.now < world.faultsUntil) system.downUntil = world.now + world.random.int(500, 40_000);
    }
  };
  /** Another user, who does not know of the first. */
  const colleague = async () => {
    while (world.now < world.faultsUntil) {
      await world.delay(world.random.int(500, 8_000));
      const change = world.random.pick(['pauseConnector', 'resumeConnector', 'resumeConnector', 'restartConnector'] as const);
      await call((api) => api[change](sink));
    }
  };
  /** When the target has been mended, everything that it had refused goes through once more. */
  const replayAll = async () => {
    await world.delay(world.random.int(faultyMs / 2, faultyMs));
    target.mended = true;
    do await world.delay(5_000);
    while (!(await replays.settle()));
    lettersReplayed = true;
  };
  const user = async () => {
    for (const name of [source, sink]) await call((api) => api.putConnectorConfig(name, configOf(name)), 20);
    while (world.now < world.faultsUntil) {
      await world.delay(world.random.int(2_000, 20_000));
      const name = world.random.pick([source, sink]);
      const action = world.random.int(0, 10);
      if (action === 0) await call((api) => api.putConnectorConfig(name, configOf(name)));
      else if (action === 1) await call((api) => api.pauseConnector(name));
      else if (action === 2) await call((api) => api.resumeConnector(name));
      else if (action === 3) await call((api) => api.restartConnectorAndTasks(name, { includeTasks: true, onlyFailed: world.random.chance(0.7) }));
      else if (action === 4) await call((api) => api.restartTask(name, 0));
      else if (action === 5) await call((api) => api.stopConnector(name));
      else if (action === 6) await recreate(name);
      else if (action === 7) kafka.topics.get('numbers')?.push([]);
      else if (action === 8) await replays.begin();
      else await alter();
    }
    // The world is quiet now: everything is started, and what had failed is restarted until nothing is.
    await world.delay(5_000);
    for (;;) {
      for (const name of [source, sink]) {
        if (!(await call((api) => api.connectorInfo(name)))) await call((api) => api.putConnectorConfig(name, configOf(name)), 20);
        // Only what needs it: whoever is started again for nothing is not forgotten either.
        let states: readonly string[] = [];
        await call(async (api) => {
          const { connector, tasks } = await api.connectorStatus(name);
          states = [connector.state, ...tasks.map(({ state }) => state)];
        }, 20);
        // One that is FAILED may be paused besides.
        if (states.some((state) => state === 'PAUSED' || state === 'STOPPED' || state === 'FAILED')) await call((api) => api.resumeConnector(name), 20);
        if (!selfHealing && states.includes('FAILED')) await call((api) => api.restartConnectorAndTasks(name, { includeTasks: true, onlyFailed: true }), 20);
      }
      await world.delay(60_000);
    }
  };
  /** Offsets stay when a connector is deleted, as in Kafka Connect: it goes on where it was. */
  const recreate = async (name: string) => {
    await call((api) => api.deleteConnector(name), 3);
    deletedAt.set(name, world.now);
    await world.delay(world.random.int(0, 5_000));
    await call((api) => api.putConnectorConfig(name, configOf(name)), 20);
  };
  /** A user sets the sink back, as soon as it is stopped. */
  const alter = async () => {
    await call((api) => api.stopConnector(sink), 3);
    altering++;
    const partition = { kafka_topic: 'numbers', kafka_partition: world.random.int(0, 2) };
    // Not forward: what is left out on purpose does not arrive.
    const offset = world.random.int(0, Math.min(5, Number(target.completeUpTo(partitionKey('numbers', partition.kafka_partition)))));
    const key = partitionKey('numbers', partition.kafka_partition);
    for (let attempt = 0; attempt < 15; attempt++) {
      const before = timesWritten(key, BigInt(offset));
      // The colleague does not know what it was stopped for.
      if (world.random.chance(0.6)) world.schedule(world.random.int(1, 100), () => void call((api) => api.resumeConnector(sink)));
      const change = [{ partition, offset: { kafka_offset: offset } }];
      if (await call((api) => api.alterConnectorOffsets(sink, change as never), 1, { slow: 0.7, slowMs: 9_000 })) {
        setBack.set(key, { offset: BigInt(offset), before });
        const told = (await seen.offsets.sinkOffsets(sink)).get(key) ?? 0n;
        if (told > offset && timesWritten(key, BigInt(offset)) <= before) violated(`a user set ${key} back to offset ${offset}, and ${told} is stored`);
        break;
      }
      // It may have been done, although the answer was lost.
      setBack.delete(key);
    }
    altering--;
    await call((api) => api.resumeConnector(sink), 3);
  };

  /** A bug may have left what cannot be read. */
  const leaseOf = (name: string) =>
    seen.control.task(name, 0).then(
      (task) => task?.lease ?? null,
      () => null,
    );
  /** More is there from time to time, the last of it when the faults are over; whoever put it there says so until it is heard. */
  const supply = async () => {
    while (origin.available < records) {
      // The last comes while a run that the one before it has woken is under way, if there is one soon.
      const last = world.now > world.faultsUntil && origin.available === records - 1;
      for (let waited = 0; last && waited < 10_000 && (await leaseOf(source)) === null; waited += 20) await world.delay(20);
      await world.delay(last ? (short ? world.random.int(60, 300) : world.random.int(1, 1_500)) : world.random.int(500, 15_000));
      origin.available = last ? records : world.now > world.faultsUntil ? records - 1 : Math.min(records - 2, origin.available + world.random.int(1, 20));
      if (world.random.chance(0.3)) origin.tasks = world.random.int(1, 3);
      if (byEvent) while (!(await call((api) => api.wakeConnector(source)))) await world.delay(500);
    }
  };

  platform.tick(tickMs);
  void supply();
  void user();
  void colleague();
  if (tolerates) void replayAll();
  if (world.random.chance(0.6)) void outages(target);
  if (world.random.chance(0.4)) void outages(origin);
  const total = partitions * records;
  /** What is wrong with the number of tasks that the source has. */
  const wrongTasks = async (): Promise<string | null> => {
    // Nobody changes the table by hand here.
    const snapshot = await seen.connectors.snapshot(source).catch((error: unknown) => {
      if (error instanceof DamagedItemException) return error.message;
      throw error;
    });
    if (typeof snapshot === 'string') return snapshot;
    const wanted = sourceTasks(Number(snapshot?.spec.config['tasks.max']), partitions, origin);
    return snapshot?.tasks.length === wanted ? null : `the source has ${snapshot?.tasks.length} tasks instead of ${wanted}`;
  };
  const arrived = async () => {
    if (world.now < world.faultsUntil + 10_000 || world.events % 50 !== 0) return false;
    for (let partition = 0; partition < partitions; partition++) if ((appendedUpTo.get(partition) ?? 0) < records) return false;
    if (!lettersReplayed || (await wrongTasks()) !== null) return false;
    const offsets = await seen.offsets.sinkOffsets(sink);
    return [0, 1, 2].every((partition) => {
      const [key, end] = [partitionKey('numbers', partition), BigInt(kafka.records({ topic: 'numbers', partition }).length)];
      return target.completeUpTo(key) === end && (end === 0n || offsets.get(key) === end);
    });
  };
  await world.run(world.faultsUntil + settleMs, async () => violations.length > 0 || (await arrived()));
  if (violations.length === 0 && world.now >= world.faultsUntil + settleMs) {
    const sent = [...appendedUpTo].map(([partition, upTo]) => `${partition}: ${upTo}`).join(', ');
    const written = [0, 1, 2].map(
      (partition) => `${target.completeUpTo(partitionKey('numbers', partition))} of ${kafka.records({ topic: 'numbers', partition }).length}`,
    );
    const tasks = await wrongTasks();
    if (tasks !== null) violated(tasks);
    if (!lettersReplayed) violated('the last replay of dead letters did not end');
    violated(`not everything arrived: of ${records} records Kafka has ${sent}; the target has ${written.join(', ')}`);
  }
  const missing = lettersReplayed ? await replays.missing() : null;
  if (missing !== null) violated(missing);
  for (const [key, order] of target.order)
    if (order.some((offset, index) => index > 0 && offset < (order[index - 1] as bigint)))
      violated(`records of ${key} were written first in another order than Kafka's`);
  for (const [key, { offset, before }] of setBack) {
    const [topic, partition] = ['numbers', Number(key.at(-1))];
    if (offset < BigInt(kafka.records({ topic, partition }).length) && timesWritten(key, offset) <= before)
      violated(`a user set ${key} back to offset ${offset}, and it was not written again`);
  }
  if (violations.length === 0) {
    // A message about each failure has had its time.
    await world.run(world.now + 120_000);
    const told = new Set(platform.failures.map(({ run }) => run));
    for (const [run, { connector, task, startedAt }] of platform.failedRuns) {
      // A failure that nobody was told of goes with its connector.
      if (told.has(run) || startedAt <= (deletedAt.get(connector) ?? 0)) continue;
      violated(`${run} ended ${connector}-${task} as FAILED, and the failure queue does not know`);
    }
  }
  const blamed = platform.failures.find(({ error, trace }) => `${error}${trace}`.includes(outOfOrder));
  if (blamed !== undefined) violated(`an outage was taken for a failure of ${blamed.connector}-${blamed.task}: ${blamed.error}`);
  return { seed, violations: [...violations, ...platform.violations], events: world.events, records: total };
}
