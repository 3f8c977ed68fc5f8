import type { Clock } from '../connect/clock.ts';
import { ConnectException } from '../connect/errors.ts';
import { parsePartitionKey } from '../connect/topic-partition.ts';
import type { KafkaClients } from '../kafka/ports.ts';
import { type Position, partitionLags, positionsOf, secondsBehind } from '../runtime/sink-lag.ts';
import { tasksOf } from '../runtime/task-state.ts';
import type { ConnectorSnapshot, Storage } from '../storage/ports.ts';
import type { HealthFacts } from './connector-health.ts';

/** The controller looks every minute; after so many without a look something is wrong with it. */
export const heartbeatTimeoutMs = 5 * 60_000;
/** Health is told without the lag when Kafka has not answered for so long. */
const lagTimeoutMs = 5_000;

interface Options {
  readonly storage: Storage;
  readonly kafka: KafkaClients;
  readonly clock: Clock;
  readonly worker: Readonly<Record<string, string>>;
}

/** Asks table and Kafka for what the health of a connector is told from. Kafka being away is a fact, too. */
export async function healthFacts(snapshot: ConnectorSnapshot, { storage, kafka, clock, worker }: Options): Promise<HealthFacts> {
  const now = clock.now();
  const [{ heartbeatAt }, lag] = await Promise.all([
    storage.cluster.info(),
    snapshot.spec.type === 'source' ? { lag: null, lagError: null } : sinkLag(snapshot, { storage, kafka, clock }),
  ]);
  const silent = heartbeatAt === null ? 0 : now - heartbeatAt;
  return { now, worker, controllerSilentMs: silent > heartbeatTimeoutMs ? silent : null, ...lag };
}

async function sinkLag(snapshot: ConnectorSnapshot, { storage, kafka, clock }: Omit<Options, 'worker'>): Promise<Pick<HealthFacts, 'lag' | 'lagError'>> {
  const answered = new AbortController();
  const timeout = clock.sleep(lagTimeoutMs, answered.signal).then(() => {
    throw new ConnectException(`Kafka has not answered within ${lagTimeoutMs / 1000} s`);
  });
  const asked = async () => {
    const positions = await positionsIn(snapshot, storage);
    const admin = kafka.admin();
    try {
      const partitions = await partitionLags(admin, positions);
      return { partitions, seconds: await secondsBehind(admin, partitions, clock.now()) };
    } finally {
      await admin.close();
    }
  };
  try {
    return { lag: await Promise.race([asked(), timeout]), lagError: null };
  } catch (error) {
    return { lag: null, lagError: (error as Error).message };
  } finally {
    answered.abort();
  }
}

/** Partitions of its tasks; without tasks those that it has read before. */
async function positionsIn(snapshot: ConnectorSnapshot, storage: Storage): Promise<Position[]> {
  const tasks = tasksOf(snapshot);
  if (tasks.length > 0) return tasks.flatMap(positionsOf);
  return [...(await storage.offsets.sinkOffsets(snapshot.spec.name))].map(([key, offset]) => ({ ...parsePartitionKey(key), offset }));
}
