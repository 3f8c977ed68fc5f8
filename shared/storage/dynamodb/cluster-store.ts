import type { ClusterStore } from '../ports.ts';
import { clusterPk, infoKey, loggerPrefix } from './items.ts';
import type { TableContext } from './table-storage.ts';

/** Facts about the whole cluster: its id, the controller's heartbeat, log levels. */
export function clusterStore({ table }: TableContext): ClusterStore {
  return {
    async info() {
      const item = await table.get(infoKey);
      return {
        clusterId: (item?.['clusterId'] as string | undefined) ?? null,
        heartbeatAt: item?.['heartbeatAt'] === undefined ? null : Number(item['heartbeatAt']),
      };
    },

    async logLevels() {
      const items = await table.query({ pk: clusterPk, prefix: loggerPrefix });
      return Object.fromEntries(
        items.map(({ sk, level, at }) => [(sk as string).slice(loggerPrefix.length), { level: level as string, lastModified: Number(at) }]),
      );
    },

    async setLogLevel(logger, level, at) {
      await table.put({ pk: clusterPk, sk: `${loggerPrefix}${logger}`, level, at });
    },
  };
}
