import { RetriableException } from '../../connect/errors.ts';
import type { ConnectorSpec, Storage, TransactionalProducers } from '../../storage/ports.ts';
import { type ConnectorClients, OffsetsTopic, type OffsetsTopicPlace, offsetsTopicOf, samePlace } from './offsets-topic.ts';
import { usesExactlyOnce } from './source-support.ts';
import { differences, type PartitionOffset } from './stored-offsets.ts';
import { fenceProducers, sendInTransaction } from './transactional-producers.ts';

/**
 * What must be done before tasks of another generation begin (Kafka Connect's round of zombie fencing, KIP-618): the
 * producers of all tasks there may be are fenced, and where the generations differ in it, the offsets are carried to
 * where the new one looks for them, the offsets topic or the table. No task runs meanwhile. What dies on the way is done
 * again from the start. Throws RetriableException when another run is doing the same.
 */
export async function prepareGeneration(storage: Storage, clients: ConnectorClients, spec: ConnectorSpec, tasks: number): Promise<void> {
  const wanted = spec.type === 'source' && usesExactlyOnce(clients.worker, clients.config);
  const known = await storage.producers.get(spec.name);
  if (!wanted && (known === null || known.offsetsTopic === null)) return;
  // A run that is told to stop may finish first; there is no plan before it has.
  if ((await storage.connectors.snapshot(spec.name))?.tasks.some(({ lease }) => lease !== null)) return;
  await fenceProducers(clients, known?.count ?? 0);
  if (wanted) await toTopic(storage, clients, spec.name, tasks);
  else await toTable(storage, clients, spec.name);
}

async function toTopic(storage: Storage, clients: ConnectorClients, connector: string, tasks: number): Promise<void> {
  // Read after the fence: who came before has either finished, or can write nothing more.
  const known = await storage.producers.get(connector);
  const place = offsetsTopicOf(clients);
  const topic = new OffsetsTopic(clients, place.topic);
  await topic.ensure();
  if (known !== null && samePlace(known.offsetsTopic, place)) {
    if (known.count !== tasks) await change(storage, connector, known, { count: tasks, offsetsTopic: place });
    return;
  }
  // Of two that are here at once one goes on.
  const mine = await change(storage, connector, known, { count: known?.count ?? 0, offsetsTopic: known?.offsetsTopic ?? null });
  const stored = await topic.read();
  const table = await storage.offsets.sourceOffsets(connector);
  if (known === null && table.length === 0) {
    // A connector that comes from Kafka Connect goes on where it was.
    if (stored.all().length > 0) await storage.offsets.alterSourceOffsets(connector, stored.all());
  } else {
    const truth = await truthOf(clients, known, place, table);
    const changes = differences(truth, stored.all());
    if (changes.length > 0)
      await sendInTransaction(
        clients,
        changes.map((each) => stored.record(place.topic, each)),
      );
  }
  await change(storage, connector, mine, { count: tasks, offsetsTopic: place });
}

/** Offsets as the tasks before left them: what a topic before has, if it can be reached in the same cluster, else the table. */
async function truthOf(
  clients: ConnectorClients,
  known: TransactionalProducers | null,
  place: OffsetsTopicPlace,
  table: readonly PartitionOffset[],
): Promise<readonly PartitionOffset[]> {
  const before = known?.offsetsTopic ?? null;
  return before === null || before.servers !== place.servers ? table : (await new OffsetsTopic(clients, before.topic).read()).all();
}

async function toTable(storage: Storage, clients: ConnectorClients, connector: string): Promise<void> {
  const known = await storage.producers.get(connector);
  if (known === null || known.offsetsTopic === null) return;
  const mine = await change(storage, connector, known, known);
  if (known.offsetsTopic.servers === offsetsTopicOf(clients).servers) {
    const stored = await new OffsetsTopic(clients, known.offsetsTopic.topic).read();
    const changes = differences(stored.all(), await storage.offsets.sourceOffsets(connector));
    if (changes.length > 0) await storage.offsets.alterSourceOffsets(connector, changes);
  }
  await change(storage, connector, mine, { count: mine.count, offsetsTopic: null });
}

async function change(
  storage: Storage,
  connector: string,
  expected: TransactionalProducers | null,
  next: Pick<TransactionalProducers, 'count' | 'offsetsTopic'>,
): Promise<TransactionalProducers> {
  const changed = await storage.producers.change(connector, expected, next);
  if (changed === null) throw new RetriableException(`Another run is making the exactly-once tasks of connector ${connector}; trying again`);
  return changed;
}
