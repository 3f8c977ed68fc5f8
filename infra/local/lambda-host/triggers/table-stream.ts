import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
  type _Record as StreamRecord,
} from '@aws-sdk/client-dynamodb-streams';
import type { EnvironmentPool } from '../environment-pool.ts';

const pollMs = 50;
/** How often new shards are looked for. */
const shardsMs = 10_000;

/**
 * A DynamoDB stream's event source mapping: polls all shards and invokes the function with the records whose new image has
 * an attribute. Begins with what comes after the start: what came before is dealt with by the schedule. A batch that
 * fails is tried again before the next one.
 */
export async function startTableStream(options: {
  target: string;
  tableName: string;
  endpoint: string;
  attribute: string;
  batchSize: number;
  pool: EnvironmentPool;
  onError: (error: unknown) => void;
}): Promise<{ stop(): void }> {
  const { target, tableName, endpoint, attribute, batchSize, pool, onError } = options;
  const client = new DynamoDBStreamsClient({
    endpoint,
    region: process.env['AWS_REGION'] ?? 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { Streams = [] } = await client.send(new ListStreamsCommand({ TableName: tableName }));
  const streamArn = Streams.at(-1)?.StreamArn;
  if (streamArn === undefined) throw new Error(`The table ${tableName} has no stream`);
  const stopped = new AbortController();
  const iterators = new Map<string, string | undefined>();

  const findShards = async (first: boolean) => {
    const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn: streamArn }));
    for (const { ShardId = '', SequenceNumberRange } of StreamDescription?.Shards ?? []) {
      if (iterators.has(ShardId)) continue;
      if (first && SequenceNumberRange?.EndingSequenceNumber !== undefined) continue;
      const ShardIteratorType = first ? 'LATEST' : 'TRIM_HORIZON';
      const { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamArn: streamArn, ShardId, ShardIteratorType }));
      iterators.set(ShardId, ShardIterator);
    }
  };

  const deliver = async (records: readonly StreamRecord[]) => {
    const wanted = records.filter(({ dynamodb }) => dynamodb?.NewImage !== undefined && attribute in dynamodb.NewImage);
    for (let at = 0; at < wanted.length; at += batchSize) {
      const Records = wanted.slice(at, at + batchSize).map((record) => ({ ...record, eventSourceARN: streamArn }));
      while (!stopped.signal.aborted) {
        const { error, payload } = await pool.invokeWhenPossible(target, JSON.stringify({ Records }), randomUUID());
        if (error === null) break;
        onError(new Error(`${target}: ${payload}`));
        await sleep(1_000);
      }
    }
  };

  const work = async () => {
    let shardsAt = Date.now();
    while (!stopped.signal.aborted) {
      try {
        let some = false;
        for (const [shard, iterator] of iterators) {
          if (iterator === undefined) continue;
          const { Records = [], NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator: iterator }), { abortSignal: stopped.signal });
          if (Records.length > 0) {
            some = true;
            await deliver(Records);
          }
          iterators.set(shard, NextShardIterator);
        }
        if (Date.now() - shardsAt > shardsMs || [...iterators.values()].every((each) => each === undefined)) {
          shardsAt = Date.now();
          await findShards(false);
        }
        if (!some) await sleep(pollMs, undefined, { signal: stopped.signal });
      } catch (error) {
        if (stopped.signal.aborted) return;
        onError(error);
        await sleep(1_000);
      }
    }
  };

  await findShards(true);
  void work();
  return { stop: () => stopped.abort() };
}
