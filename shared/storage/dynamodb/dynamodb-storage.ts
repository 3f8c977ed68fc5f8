import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../connect/clock.ts';
import type { Storage } from '../ports.ts';
import { clusterStore } from './cluster-store.ts';
import { connectorStore } from './connector-store.ts';
import { controlStore } from './control-store.ts';
import { offsetStore } from './offset-store.ts';
import { runStore } from './run-store.ts';
import { Table } from './table.ts';

/** Everything that is kept, in one DynamoDB table (see `create-table.ts`). `dueShards` must be the same wherever the table is used. */
export function createDynamoDbStorage(options: { client: DynamoDBClient; tableName: string; clock: Clock; dueShards?: number }): Storage {
  const table = new Table({ ...options, dueShards: options.dueShards ?? 4 });
  return { connectors: connectorStore(table), control: controlStore(table), runs: runStore(table), offsets: offsetStore(table), cluster: clusterStore(table) };
}
