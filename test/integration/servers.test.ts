import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import pg from 'pg';
import { expect, test } from 'vitest';
import { accepts } from '../../infra/local/ports.ts';
import { databaseUrl, dynamodbEndpoint, kafkaBrokers } from './servers.ts';

test('Kafka accepts connections', async () => {
  const [host = '', port = ''] = kafkaBrokers().split(':');
  expect(await accepts(host, Number(port), 5000)).toBe(true);
});

test('DynamoDB Local lists tables', async () => {
  const client = new DynamoDBClient({ endpoint: dynamodbEndpoint(), region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  const { TableNames } = await client.send(new ListTablesCommand({}));
  client.destroy();
  expect(TableNames).toBeInstanceOf(Array);
});

test.skipIf(!databaseUrl())('PostgreSQL answers a query', async () => {
  const client = new pg.Client({ connectionString: databaseUrl() ?? '' });
  await client.connect();
  const { rows } = await client.query('select 1 + 1 as two');
  await client.end();
  expect(rows).toEqual([{ two: 2 }]);
});
