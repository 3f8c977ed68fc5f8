import type { KafkaClients } from '../kafka/ports.ts';
import { sinkGroup } from '../runtime/partition-assignor.ts';
import type { ConnectorType, Storage } from '../storage/ports.ts';
import { sinkConnectorOffsets } from './connector-offsets.ts';
import type { ConnectorOffset, StoredOffset, StoredOffsets } from './entities.ts';

/** The offsets that the table has for a name and a kind of connector, whether there is one of that name or not. */
export async function keptOffsets(name: string, type: ConnectorType, { storage }: { storage: Storage }): Promise<readonly ConnectorOffset[]> {
  if (type === 'sink') return sinkConnectorOffsets(await storage.offsets.sinkOffsets(name)).offsets;
  return (await storage.offsets.sourceOffsets(name)).map(({ partition, offset }) => ({ partition, offset }));
}

/**
 * What a connector of this name resumes from, or would if it were created: what the table has, and for a sink what its consumer group has
 * of partitions that the table does not know (it is taken over when the sink is planned). That Kafka cannot be asked is told, too.
 */
export async function storedOffsets(name: string, options: { storage: Storage; kafka: KafkaClients }): Promise<StoredOffsets> {
  const spec = await options.storage.connectors.get(name);
  const [source, sink] = await Promise.all([keptOffsets(name, 'source', options), options.storage.offsets.sinkOffsets(name)]);
  const kept = (type: ConnectorType, keptIn: string, offsets: readonly ConnectorOffset[]): StoredOffset[] =>
    offsets.map((each) => ({ ...each, type, kept_in: keptIn }));
  const offsets = [...kept('source', 'table', source), ...kept('sink', 'table', sinkConnectorOffsets(sink).offsets)];
  if (spec?.type === 'source') return { offsets, group_error: null };
  const group = sinkGroup(name, spec?.config ?? {});
  const admin = options.kafka.admin();
  try {
    const others = new Map([...(await admin.groupOffsets(group))].filter(([key]) => !sink.has(key)));
    return { offsets: [...offsets, ...kept('sink', `consumer group ${group}`, sinkConnectorOffsets(others).offsets)], group_error: null };
  } catch (error) {
    return { offsets, group_error: (error as Error).message };
  } finally {
    await admin.close();
  }
}
