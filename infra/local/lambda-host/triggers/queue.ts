import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { EnvironmentPool } from '../environment-pool.ts';

/** An SQS event source mapping: receives, invokes, deletes what was dealt with. What was not comes again after the visibility timeout. */
export function startQueueTrigger(options: {
  target: string;
  queueUrl: string;
  queueName: string;
  batchSize: number;
  sqs: SQSClient;
  pool: EnvironmentPool;
  onError: (error: unknown) => void;
}): { stop(): void } {
  const { target, queueUrl, queueName, batchSize, sqs, pool, onError } = options;
  const stopped = new AbortController();
  const work = async () => {
    while (!stopped.signal.aborted) {
      try {
        const receive = new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(10, batchSize),
          WaitTimeSeconds: 10,
          MessageSystemAttributeNames: ['All'],
          MessageAttributeNames: ['All'],
        });
        const { Messages = [] } = await sqs.send(receive, { abortSignal: stopped.signal });
        if (Messages.length > 0) await deliver(Messages);
      } catch (error) {
        if (stopped.signal.aborted) return;
        onError(error);
        await sleep(1_000);
      }
    }
  };
  const deliver = async (messages: Message[]) => {
    const Records = messages.map((message) => ({
      messageId: message.MessageId,
      receiptHandle: message.ReceiptHandle,
      body: message.Body,
      attributes: message.Attributes ?? {},
      messageAttributes: {},
      md5OfBody: message.MD5OfBody,
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queueName}`,
      awsRegion: 'us-east-1',
    }));
    const { error, payload } = await pool.invokeWhenPossible(target, JSON.stringify({ Records }), randomUUID());
    if (error !== null) throw new Error(`${target}: ${payload}`);
    const answer = JSON.parse(payload) as { batchItemFailures?: readonly { itemIdentifier: string }[] } | null;
    const failed = new Set(answer?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
    const Entries = messages.filter(({ MessageId = '' }) => !failed.has(MessageId)).map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  };
  void work();
  return { stop: () => stopped.abort() };
}
