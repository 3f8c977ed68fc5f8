import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTable } from '../../shared/storage/dynamodb/create-table.ts';
import { createDynamoDbStorage } from '../../shared/storage/dynamodb/dynamodb-storage.ts';
import { DynamoDbTable } from '../../shared/storage/dynamodb/dynamodb-table.ts';
import { ServerClock } from '../../shared/storage/dynamodb/server-clock.ts';
import { allConnectorsContract } from '../kit/all-connectors.ts';
import { ManualClock, storageContract } from '../kit/storage.ts';
import { dynamodbEndpoint } from './servers.ts';

describe('the DynamoDB storage', () => {
  const tableName = `storage-${Date.now()}`;
  let client: DynamoDBClient;
  beforeAll(async () => {
    client = new DynamoDBClient({ endpoint: dynamodbEndpoint(), region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
    await createTable(client, tableName);
    await createTable(client, tableName);
  });

  const open = async () => {
    const clock = new ManualClock();
    const options = { client, tableName, clock };
    return { storage: createDynamoDbStorage(options), clock, table: new DynamoDbTable(options) };
  };
  storageContract(open);
  describe('of all connectors', () => allConnectorsContract(open));

  test('tells its time in its answers, refusals among them', async () => {
    const hour = 3_600_000;
    const server = new ServerClock({ now: () => Date.now() + hour });
    server.listenTo(client);
    const table = new DynamoDbTable({ client, tableName, clock: new ManualClock() });
    expect(await table.update({ pk: 'none', sk: 'none' }, { set: { a: 1 } }, [{ attribute: 'a', is: 'present' }])).toBeNull();
    expect(Math.abs(server.now() - Date.now())).toBeLessThan(60_000);
  });
});
