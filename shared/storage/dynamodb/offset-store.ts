import { createHash } from 'node:crypto';
import type { SourceOffset, SourcePartition } from '../../connect/data/record.ts';
import type { OffsetStore } from '../ports.ts';
import { canonicalJson, parseExact, stringifyExact } from './exact-json.ts';
import { connectorPk, offsetsOf, sinkOffsetsKey } from './items.ts';
import { type Item, type Key, type Table, transactionLimit } from './table.ts';

/** Where the offset of a source partition is: found by the content of the partition. */
export function sourceOffsetKey(connector: string, partition: SourcePartition): Key {
  return { pk: connectorPk(connector), sk: `OFFSET#${createHash('sha256').update(canonicalJson(partition)).digest('hex')}` };
}

export function sourceOffsetItem(connector: string, partition: SourcePartition, offset: SourceOffset): Item {
  return { ...sourceOffsetKey(connector, partition), partition: stringifyExact(partition), offset: stringifyExact(offset) };
}

export function offsetStore(table: Table): OffsetStore {
  const sourceItems = (connector: string) =>
    table.query({
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': connectorPk(connector), ':prefix': 'OFFSET#' },
    });
  const store: OffsetStore = {
    async sourceOffset(connector, partition) {
      const item = await table.get(sourceOffsetKey(connector, partition));
      return item === null ? null : (parseExact(item['offset'] as string) as SourceOffset);
    },

    async sourceOffsets(connector) {
      const items = await sourceItems(connector);
      return items.map((item) => ({
        partition: parseExact(item['partition'] as string) as SourcePartition,
        offset: parseExact(item['offset'] as string) as SourceOffset,
      }));
    },

    async sinkOffsets(connector) {
      const items = await table.query({
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': connectorPk(connector), ':from': 'SINKOFFSETS', ':to': 'TASK$' },
      });
      const offsets = new Map<string, bigint>();
      // What a task has stored is newer than what was kept while there was none; SINKOFFSETS comes first in the order of keys.
      for (const item of items) for (const [key, offset] of offsetsOf(item['offsets'])) offsets.set(key, offset);
      return offsets;
    },

    async alterSourceOffsets(connector, offsets) {
      const operations = offsets.map(({ partition, offset }) =>
        offset === null
          ? { Delete: { TableName: table.name, Key: sourceOffsetKey(connector, partition) } }
          : { Put: { TableName: table.name, Item: sourceOffsetItem(connector, partition, offset) } },
      );
      for (let at = 0; at < operations.length; at += transactionLimit) await table.transact(operations.slice(at, at + transactionLimit));
    },

    async alterSinkOffsets(connector, changes) {
      const item = await table.get(sinkOffsetsKey(connector));
      const offsets = offsetsOf(item?.['offsets']);
      for (const [key, offset] of changes) {
        if (offset === null) offsets.delete(key);
        else offsets.set(key, offset);
      }
      await table.put({ ...sinkOffsetsKey(connector), offsets: Object.fromEntries(offsets) });
    },

    async purge(connector) {
      const items = await sourceItems(connector);
      await table.deleteAll([...items.map(({ pk, sk }) => ({ pk, sk }) as Key), sinkOffsetsKey(connector)]);
    },
  };
  return store;
}
