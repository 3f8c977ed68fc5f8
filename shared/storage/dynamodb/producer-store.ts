import type { ProducerStore, TransactionalProducers } from '../ports.ts';
import { producersKey } from './items.ts';
import { equal, missing } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** What is known of the transactional producers of sources: an item each that stays when its connector goes, as its offsets do. */
export function producerStore({ table }: TableContext): ProducerStore {
  return {
    async get(connector) {
      const item = await table.get(producersKey(connector));
      if (item === null) return null;
      return {
        count: Number(item['count']),
        offsetsTopic: (item['offsetsTopic'] as TransactionalProducers['offsetsTopic'] | undefined) ?? null,
        version: Number(item['version']),
      };
    },

    async change(connector, expected, { count, offsetsTopic }) {
      const version = (expected?.version ?? 0) + 1;
      const when = expected === null ? [missing('pk')] : [equal('version', expected.version)];
      const item = { ...producersKey(connector), count, version, ...(offsetsTopic === null ? {} : { offsetsTopic }) };
      if ((await table.transact([{ put: item, when }])).length > 0) return null;
      return { count, offsetsTopic, version };
    },
  };
}
