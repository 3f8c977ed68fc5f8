import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../connect/clock.ts';
import type { Storage } from '../ports.ts';
import { DynamoDbTable } from './dynamodb-table.ts';
import type { ServerClock } from './server-clock.ts';
import { tableStorage } from './table-storage.ts';

/**
 * Everything that is kept, in one DynamoDB table (see `create-table.ts`). The client retries throttling and server
 * errors by its own settings. `dueShards` must be the same wherever the table is used. `serverClock` listens to the client.
 */
export function createDynamoDbStorage(options: {
  client: DynamoDBClient;
  tableName: string;
  clock: Clock;
  dueShards?: number;
  serverClock?: ServerClock;
}): Storage {
  const { clock, dueShards = 4, serverClock } = options;
  return tableStorage({ table: new DynamoDbTable(options), clock, dueShards, ...(serverClock ? { leaseClock: serverClock } : {}) });
}
