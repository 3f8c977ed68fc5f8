import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { hurried } from '../../functions/wiring.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import { createDynamoDbStorage } from '../../shared/storage/dynamodb/dynamodb-storage.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';

/** A DynamoDB that has no time, or that refuses what it is asked. */
let dynamodb: Server;
/** Null: it answers nothing. Of all operations, or only of transactions: reads find nothing then. */
let refusal: { status: number; body: object; transactions?: true } | null;
let client: DynamoDBClient;
let herder: Herder;
const patience = { ...hurried, maxAttempts: 1 };
const logger = collectingLogger();
beforeAll(async () => {
  dynamodb = createServer((request, response) => {
    if (refusal === null) return;
    const { status, body } = refusal.transactions && !`${request.headers['x-amz-target']}`.endsWith('TransactWriteItems') ? { status: 200, body: {} } : refusal;
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body)));
  }).listen(0, '127.0.0.1');
  await once(dynamodb, 'listening');
});
beforeEach(() => {
  client?.destroy();
  client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${(dynamodb.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    ...patience,
  });
  const clock = new ManualClock();
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  herder = new Herder({
    storage: createDynamoDbStorage({ client, tableName: 'sluice', clock }),
    kafka: {} as KafkaClients,
    plugins,
    worker: { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text },
    clock,
    logger,
    workerId: 'api-1',
  });
});
afterAll(() => {
  client.destroy();
  dynamodb.close().closeAllConnections();
});

const call = (method: string, path: string, body = '') =>
  answer({ method, path, query: new URLSearchParams(), headers: body === '' ? {} : { 'content-type': 'application/json' }, body }, { herder, logger });
const config = JSON.stringify({ 'connector.class': 'FileStreamSource', file: '/tmp/a', topic: 'a' });
const type = (name: string) => ({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'no' });

const conflict = { status: 409, body: { error_code: 409, message: 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)' } };

test.each([
  ['its throughput is used up', 400, type('ProvisionedThroughputExceededException')],
  ['it throttles', 400, type('ThrottlingException')],
  ['it limits requests', 400, type('RequestLimitExceeded')],
  ['it fails', 500, type('InternalServerError')],
  ['it is not there', 503, {}],
])('when %s, clients are told to try again', async (_, status, body) => {
  refusal = { status, body };
  expect(await call('GET', '/connectors')).toEqual(conflict);
  expect(await call('GET', '/connectors/a/status')).toEqual(conflict);
  expect(await call('PUT', '/connectors/a/config', config)).toEqual(conflict);
});

test('when others change the same items all the time, clients are told to try again', async () => {
  const body = { ...type('TransactionCanceledException'), CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }] };
  refusal = { status: 400, body, transactions: true };
  expect(await call('PUT', '/connectors/a/config', config)).toEqual(conflict);
});

test('when it does not answer, clients are told to try again before they give up', async () => {
  refusal = null;
  expect(await call('GET', '/connectors')).toEqual(conflict);
});

test('what will not go better is told as it is', async () => {
  refusal = { status: 400, body: type('AccessDeniedException') };
  expect(await call('GET', '/connectors')).toEqual({ status: 500, body: { error_code: 500, message: expect.stringContaining('AccessDeniedException') } });
});

test('a name that no key can hold is refused with how long it may be', async () => {
  const body = JSON.stringify({ name: 'ü'.repeat(501), config: JSON.parse(config) });
  expect(await call('POST', '/connectors', body)).toEqual({
    status: 400,
    body: { error_code: 400, message: 'The name of a connector may have at most 1000 bytes, not 1002' },
  });
});
