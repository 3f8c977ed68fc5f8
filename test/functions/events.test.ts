import { describe, expect, test } from 'vitest';
import { crashedRunOf } from '../../functions/controller/crashed-run.ts';
import { wokenBy } from '../../functions/controller/wake.ts';
import { deliveredRecords, type KafkaEvent } from '../../functions/sink-events/kafka-event.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** Fields, names and forms as the Lambda documentation shows them for Amazon MSK. */
const fromMsk = {
  eventSource: 'aws:kafka',
  eventSourceArn: 'arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2',
  bootstrapServers: 'b-2.demo.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092,b-1.demo.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092',
  records: {
    'orders-0': [
      {
        topic: 'orders',
        partition: 0,
        offset: 16,
        timestamp: 1_545_084_650_988,
        timestampType: 'LOG_APPEND_TIME',
        key: base64('k-16'),
        value: base64('second'),
        headers: [],
      },
      {
        topic: 'orders',
        partition: 0,
        offset: 15,
        timestamp: 1_545_084_650_987,
        timestampType: 'CREATE_TIME',
        key: base64('k-15'),
        value: base64('first'),
        // Java's bytes, so with a sign; a name may be there twice.
        headers: [{ trace: [104, 101, 97, -1] }, { trace: [97] }, { none: null }],
      },
    ],
    'orders-1': [{ topic: 'orders', partition: 1, offset: 9_007_199_254_740_991, timestamp: 1, timestampType: 'NO_TIMESTAMP_TYPE', value: null }],
    'orders-2': [],
  },
} as const satisfies KafkaEvent;

describe('an event of a Kafka event source mapping', () => {
  test('of MSK is the records of each partition, in order, as they are in Kafka', () => {
    const [zero, one, ...more] = deliveredRecords(fromMsk);
    expect(more).toEqual([]);
    expect(zero).toMatchObject({ topic: 'orders', partition: 0, nextOffset: 17n });
    expect(
      zero?.records.map(({ offset, timestamp, timestampType, key, value }) => [offset, timestamp, timestampType, key?.toString(), value?.toString()]),
    ).toEqual([
      [15n, 1_545_084_650_987, 'CreateTime', 'k-15', 'first'],
      [16n, 1_545_084_650_988, 'LogAppendTime', 'k-16', 'second'],
    ]);
    expect(zero?.records[0]?.headers).toEqual([
      { key: 'trace', value: Buffer.from([104, 101, 97, 255]) },
      { key: 'trace', value: Buffer.from([97]) },
      { key: 'none', value: null },
    ]);
    expect(one?.records).toMatchObject([{ offset: 9_007_199_254_740_991n, key: null, value: null, headers: [], timestampType: 'NoTimestampType' }]);
  });

  test('of a cluster of one’s own has the same records', () => {
    const { records, bootstrapServers } = fromMsk;
    expect(deliveredRecords({ eventSource: 'SelfManagedKafka', bootstrapServers, records })).toEqual(deliveredRecords(fromMsk));
  });
});

describe('the controller is told of', () => {
  test.each([
    ['a rule’s or a person’s event', { kind: 'wake', connector: 'orders' }, ['orders']],
    ['a pipe’s batch', [1, 2, 3].map((each) => ({ kind: 'wake', connector: each < 3 ? 'orders' : 'returns' })), ['orders', 'returns']],
    ['the tick', { kind: 'tick' }, []],
    ['a batch of the table’s stream', { Records: [{ eventSource: 'aws:dynamodb', eventName: 'MODIFY' }] }, []],
  ])('connectors to wake by %s', (_, event, connectors) => {
    expect(wokenBy(event)).toEqual(connectors);
  });

  test('a wake that names nobody, by an error that says so', () => {
    expect(() => wokenBy({ kind: 'wake' })).toThrow('must name a connector');
  });

  test('a crashed run, as an on-failure destination tells it', () => {
    const requestPayload = { kind: 'task', connector: 'orders', task: 2, generation: 4 } as const;
    const record = {
      version: '1.0',
      timestamp: '2026-11-14T18:16:05.568Z',
      requestContext: {
        requestId: 'e4b46cbf-b738-xmpl-8880-a18cdf61200e',
        functionArn: 'arn:aws:lambda:us-east-2:123456789012:function:sluice-task:$LATEST',
        condition: 'RetriesExhausted',
        approximateInvokeCount: 1,
      },
      requestPayload,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType: 'Runtime.ExitError', errorMessage: 'RequestId: e4b46cbf Error: Runtime exited with error: signal: killed' },
    };
    const run = { request: requestPayload, run: 'e4b46cbf-b738-xmpl-8880-a18cdf61200e', trace: null };
    expect(crashedRunOf(JSON.stringify(record))).toEqual({ ...run, error: record.responsePayload.errorMessage });
    // A run that never began, because functions were throttled for too long, has no response.
    const { responsePayload: _response, responseContext: _context, ...never } = record;
    expect(crashedRunOf(JSON.stringify({ ...never, requestContext: { ...record.requestContext, condition: 'EventAgeExceeded' } }))).toEqual({
      ...run,
      error: 'EventAgeExceeded',
    });
  });
});
