import { Herder } from '../../shared/herder/herder.ts';
import { tableStorage } from '../../shared/storage/dynamodb/table-storage.ts';
import { MemoryTable } from './memory-table.ts';
import { type Plants, Platform } from './platform.ts';
import { type Origin, Target } from './sim-connectors.ts';
import type { SimulationResult } from './simulation.ts';
import { TransactionalKafka } from './transactional-kafka.ts';
import { World } from './world.ts';

/** Bugs of exactly-once tasks that must be found. */
export interface ExactlyOncePlants {
  /** Who takes a transactional id over leaves its producers of before alone. */
  readonly noFence?: boolean;
}

const faultyMs = 90_000;
const settleMs = 45 * 60_000;
const tickMs = 10_000;
const source = 'numbers';

/**
 * An exactly-once source under one seed: processes die at any wait and freeze past their lease, users change, stop, delete and create it anew.
 * Each number must be committed once, in the order of its partition, and in the end all are.
 */
export async function simulateExactlyOnce(seed: number, plants: ExactlyOncePlants = {}): Promise<SimulationResult> {
  const world = new World(seed);
  world.faultsUntil = world.now + faultyMs;
  const kafka = new TransactionalKafka();
  if (plants.noFence === true) withoutFence(kafka);
  const origin: Origin = { available: 0, tasks: 3, downUntil: 0 };
  const table = new MemoryTable();
  const violations: string[] = [];
  const records = world.random.int(20, 80);
  const partitions = world.random.int(1, 5);
  kafka.createTopic('numbers', 3);

  const committed = new Map<number, number>();
  const violated = (what: string) => {
    if (violations.length < 5) violations.push(`${world.now - (world.faultsUntil - faultyMs)} ms: ${what}`);
  };
  kafka.onCommit = (transaction) => {
    for (const { partition, record } of transaction) {
      if (partition.topic !== 'numbers') continue;
      const [part = 0, number = 0] = String(record.value).split(':').map(Number);
      const next = committed.get(part) ?? 0;
      if (number < next) violated(`number ${number} of partition ${part} is committed twice`);
      else if (number > next) violated(`after number ${next - 1} of partition ${part}, ${number} is committed`);
      committed.set(part, Math.max(next, number + 1));
    }
  };
  const seen = tableStorage({ table, clock: { now: () => world.now, sleep: async () => {}, nextTurn: async () => {} }, dueShards: 4 });
  const check = async () => {
    for (const { partition, offset } of await seen.offsets.sourceOffsets(source)) {
      const [part, position] = [Number(partition['partition']), Number(offset['position'])];
      if (position > (committed.get(part) ?? 0))
        violated(`offset ${position} of partition ${part} is in the table, but only ${committed.get(part) ?? 0} are committed`);
    }
  };
  const platform = new Platform({ world, kafka, table, origin, target: new Target(), plants: {} satisfies Plants, onWrite: check });

  const call = async (action: (herder: Herder) => Promise<unknown>, tries = 1): Promise<boolean> => {
    for (let attempt = 0; attempt < tries; attempt++) {
      const process = platform.process('api');
      if (world.fault(0.05)) world.schedule(world.random.int(1, 200), () => process.kill());
      const done = action(new Herder(platform.ports(process))).then(
        () => true,
        () => false,
      );
      if (await Promise.race([done, world.delay(30_000).then(() => false)])) return true;
      await world.delay(500);
    }
    return false;
  };
  const config = () => ({
    name: source,
    'connector.class': 'sim.NumbersSource',
    'exactly.once.support': 'required',
    'transaction.boundary': world.random.pick(['poll', 'poll', 'interval']),
    'transaction.boundary.interval.ms': '3000',
    partitions: String(partitions),
    'tasks.max': String(world.random.int(1, 3)),
    dummy: String(world.random.int(0, 9)),
  });
  const user = async () => {
    await call((api) => api.putConnectorConfig(source, config()), 20);
    while (world.now < world.faultsUntil) {
      await world.delay(world.random.int(2_000, 15_000));
      const action = world.random.int(0, 7);
      if (action <= 1) await call((api) => api.putConnectorConfig(source, config()));
      else if (action === 2) await call((api) => api.pauseConnector(source));
      else if (action === 3) await call((api) => api.resumeConnector(source));
      else if (action === 4) await call((api) => api.restartConnectorAndTasks(source, { includeTasks: true, onlyFailed: world.random.chance(0.5) }));
      else if (action === 5) await call((api) => api.stopConnector(source));
      else if (action === 6) {
        await call((api) => api.deleteConnector(source), 3);
        await call((api) => api.putConnectorConfig(source, config()), 20);
      } else await call((api) => api.resumeConnector(source));
    }
    await world.delay(5_000);
    for (;;) {
      if (!(await call((api) => api.connectorInfo(source)))) await call((api) => api.putConnectorConfig(source, config()), 20);
      await call((api) => api.resumeConnector(source), 20);
      await call((api) => api.restartConnectorAndTasks(source, { includeTasks: true, onlyFailed: true }), 20);
      await world.delay(60_000);
    }
  };
  const supply = async () => {
    while (origin.available < records) {
      await world.delay(world.random.int(500, 10_000));
      origin.available = Math.min(records, origin.available + world.random.int(1, 15));
    }
  };

  platform.tick(tickMs);
  void supply();
  void user();
  const all = () => Array.from({ length: partitions }, (_, part) => committed.get(part) ?? 0).every((count) => count === records);
  await world.run(world.faultsUntil + settleMs, () => violations.length > 0 || (world.now > world.faultsUntil + 10_000 && all()));
  if (violations.length === 0 && !all())
    violated(`not everything was committed: of ${records} there are ${[...committed].map(([part, count]) => `${part}: ${count}`).join(', ')}`);
  return { seed, violations: [...violations, ...platform.violations], events: world.events, records: partitions * records };
}

function withoutFence(kafka: TransactionalKafka): void {
  const epochs = new Map<string, number>();
  const takeOver = kafka.takeOver.bind(kafka);
  kafka.takeOver = (id) => {
    const epoch = epochs.get(id) ?? takeOver(id);
    epochs.set(id, epoch);
    return epoch;
  };
}
