import type { ClusterStore } from '../ports.ts';
import { clusterKey } from './items.ts';
import type { Table } from './table.ts';

/** Facts about the whole cluster: its id, the controller's heartbeat, log levels. */
export function clusterStore(table: Table): ClusterStore {
  return {
    async info() {
      const item = await table.get({ pk: clusterKey, sk: 'INFO' });
      return {
        clusterId: (item?.['clusterId'] as string | undefined) ?? null,
        heartbeatAt: item?.['heartbeatAt'] === undefined ? null : Number(item['heartbeatAt']),
      };
    },

    async logLevels() {
      const items = await table.query({
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': clusterKey, ':prefix': 'LOGGER#' },
      });
      return Object.fromEntries(
        items.map(({ sk, level, at }) => [(sk as string).slice('LOGGER#'.length), { level: level as string, lastModified: Number(at) }]),
      );
    },

    async setLogLevel(logger, level, at) {
      await table.put({ pk: clusterKey, sk: `LOGGER#${logger}`, level, at });
    },
  };
}
