import { answer } from '../../functions/rest-api/rest-api.ts';
import type { Clock, Logger } from '../../shared/connect/index.ts';
import { partitionKey, type TopicPartition } from '../../shared/connect/topic-partition.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ClusterAdmin } from '../../shared/kafka/ports.ts';
import { testPlugins } from './plugins.ts';
import { Table } from './table.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** A REST API over an empty table, with the time standing still but for those who sleep. */
export function restApi(worker: Readonly<Record<string, string>> = {}) {
  const table = new Table();
  const groups: { group: string; offsets: ReadonlyMap<string, bigint> | null }[] = [];
  const committed = new Map<string, ReadonlyMap<string, bigint>>();
  let now = 1_000;
  const clock: Clock = {
    now: () => now,
    nextTurn: async () => {},
    async sleep(ms) {
      now += ms;
    },
  };
  const admin = {
    partitionCounts: async () => new Map([['orders', 3]]),
    beginningOffsets: async (wanted: readonly TopicPartition[]) => offsetsOf(wanted, 10n),
    endOffsets: async (wanted: readonly TopicPartition[]) => offsetsOf(wanted, 90n),
    // A record a second, since the epoch.
    offsetsForTime: async (wanted: readonly TopicPartition[], time: number) => offsetsOf(wanted, BigInt(Math.min(90, Math.ceil(time / 1000)))),
    groupOffsets: async (group: string) => committed.get(group) ?? new Map(),
    commitGroupOffsets: async (group: string, offsets: ReadonlyMap<string, bigint>) => void groups.push({ group, offsets }),
    deleteGroup: async (group: string) => void groups.push({ group, offsets: null }),
    close: async () => {},
  } as unknown as ClusterAdmin;
  // Clients connect only when something is asked of them.
  const kafka = { ...createKafkaClients({ 'bootstrap.servers': 'nowhere:1' }, silent), admin: () => admin };
  const herder = new Herder({
    storage: table.storage,
    kafka,
    plugins: testPlugins,
    worker: { 'key.converter': 'Text', 'value.converter': 'Text', 'header.converter': 'Text', ...worker },
    clock,
    logger: silent,
    workerId: 'api-1',
  });
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const [at = '', query = ''] = path.split('?');
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    return answer({ method, path: at, query: new URLSearchParams(query), headers: { ...json, ...headers }, body: text }, { herder, logger: silent });
  };
  return { table, herder, call, groups, committed, clock };
}

function offsetsOf(wanted: readonly TopicPartition[], offset: bigint): Map<string, bigint> {
  return new Map(wanted.map(({ topic, partition }) => [partitionKey(topic, partition), offset]));
}

export const linesConfig = { 'connector.class': 'example.LinesSourceConnector', topic: 'lines' };
export const shelfConfig = { 'connector.class': 'ShelfSink', topics: 'orders' };
