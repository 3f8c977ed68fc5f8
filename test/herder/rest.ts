import { answer } from '../../functions/rest-api/rest-api.ts';
import type { Clock, Logger } from '../../shared/connect/index.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { testPlugins } from './plugins.ts';
import { Table } from './table.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** A REST API over an empty table, with the time standing still but for those who sleep. */
export function restApi(worker: Readonly<Record<string, string>> = {}) {
  const table = new Table();
  const groups: { group: string; offsets: ReadonlyMap<string, bigint> | null }[] = [];
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
    commitGroupOffsets: async (group: string, offsets: ReadonlyMap<string, bigint>) => void groups.push({ group, offsets }),
    deleteGroup: async (group: string) => void groups.push({ group, offsets: null }),
    close: async () => {},
  } as unknown as ClusterAdmin;
  const kafka = { admin: () => admin } as unknown as KafkaClients;
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
  return { table, herder, call, groups, clock };
}

export const linesConfig = { 'connector.class': 'example.LinesSourceConnector', topic: 'lines' };
export const shelfConfig = { 'connector.class': 'ShelfSink', topics: 'orders' };
