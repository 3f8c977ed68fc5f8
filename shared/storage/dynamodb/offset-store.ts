import { createHash } from 'node:crypto';
import type { SourceOffset, SourcePartition } from '../../connect/data/record.ts';
import { RetriableException } from '../../connect/errors.ts';
import { canonicalJson, parseExact, stringifyExact } from '../../connect/exact-json.ts';
import type { ConnectorSpec, OffsetStore } from '../ports.ts';
import { afterTasks, connectorPk, keyOfItem, offsetPrefix, offsetsOf, sinkOffsetsKey, sinkOffsetsSk, specKey } from './items.ts';
import { keep, remainsOf } from './remains.ts';
import { equal, type Item, type Key, type Operation, transactions } from './table.ts';
import type { TableContext } from './table-storage.ts';

/** How often a change of sink offsets is tried again when others change them at the same time. */
const maxRaces = 20;

/** Offsets as tasks begin from and as users see and change them. */
export function offsetStore({ table }: TableContext): OffsetStore {
  /** `change` gets a copy to work on. */
  const changeSinkOffsets = async (connector: string, change: (offsets: Map<string, bigint>) => void, guard: readonly Operation[]): Promise<boolean> => {
    for (let race = 0; race < maxRaces; race++) {
      const item = await table.get(sinkOffsetsKey(connector));
      const remains = remainsOf(item === null ? [] : [item]);
      const offsets = new Map(remains.offsets);
      change(offsets);
      const refused = await table.transact([keep(connector, { ...remains, offsets }), ...guard]);
      if (refused.length === 0) return true;
      if (refused.includes(1)) return false;
    }
    throw new RetriableException(`The sink offsets of connector ${connector} are being changed by others all the time; try again later`);
  };

  const changeSourceOffsets = async (writes: readonly Operation[], guard: readonly Operation[]): Promise<boolean> => {
    for (const some of transactions(writes, guard.length)) if ((await table.transact([...some, ...guard])).length > 0) return false;
    return true;
  };

  return {
    async sourceOffset(connector, partition) {
      const item = await table.get(sourceOffsetKey(connector, partition));
      return item === null ? null : (parseExact(item['offset'] as string) as SourceOffset);
    },

    async sourceOffsets(connector) {
      const items = await table.query({ pk: connectorPk(connector), prefix: offsetPrefix });
      return items.map((item) => ({
        partition: parseExact(item['partition'] as string) as SourcePartition,
        offset: parseExact(item['offset'] as string) as SourceOffset,
      }));
    },

    async sinkOffsets(connector) {
      const items = await table.query({ pk: connectorPk(connector), from: sinkOffsetsSk, to: afterTasks });
      // What a task has stored is newer than what was kept from before; that comes first in the order of keys.
      return new Map(items.flatMap((item) => [...offsetsOf(item['offsets'])]));
    },

    alterSourceOffsets(connector, offsets, stopped) {
      return changeSourceOffsets(sourceOffsetWrites(connector, offsets), guardOf(stopped));
    },

    alterSinkOffsets(connector, changes, stopped) {
      const change = (offsets: Map<string, bigint>) => {
        for (const [key, offset] of changes) {
          if (offset === null) offsets.delete(key);
          else offsets.set(key, offset);
        }
      };
      return changeSinkOffsets(connector, change, guardOf(stopped));
    },

    async purge(connector, stopped) {
      const items = await table.query({ pk: connectorPk(connector), prefix: offsetPrefix, attributes: ['pk', 'sk'] });
      const deletes = items.map((item) => ({ delete: keyOfItem(item) }));
      if (!(await changeSourceOffsets(deletes, guardOf(stopped)))) return false;
      return changeSinkOffsets(connector, (offsets) => offsets.clear(), guardOf(stopped));
    },
  };
}

/** Refuses what is beside it when a spec is another by now, or is wanted to run. */
function guardOf(stopped: ConnectorSpec | undefined): Operation[] {
  if (stopped === undefined) return [];
  const { name, generation, revision } = stopped;
  return [{ check: specKey(name), when: [equal('targetState', 'STOPPED'), equal('generation', generation), equal('revision', revision)] }];
}

/** Writes of source offsets, one for each partition: where one comes twice, the last holds. */
export function sourceOffsetWrites(connector: string, offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[]): Operation[] {
  const writes = new Map<string, Operation>();
  for (const { partition, offset } of offsets) {
    const key = sourceOffsetKey(connector, partition);
    writes.set(key.sk, offset === null ? { delete: key } : { put: sourceOffsetItem(key, partition, offset) });
  }
  return [...writes.values()];
}

/** Where the offset of a source partition is: found by the content of the partition. */
function sourceOffsetKey(connector: string, partition: SourcePartition): Key {
  return { pk: connectorPk(connector), sk: `${offsetPrefix}${createHash('sha256').update(canonicalJson(partition)).digest('hex')}` };
}

function sourceOffsetItem(key: Key, partition: SourcePartition, offset: SourceOffset): Item {
  return { ...key, partition: stringifyExact(partition), offset: stringifyExact(offset) };
}
