import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { ConnectException, RetriableException } from '../shared/connect/errors.ts';
import type { DeadLetterServices, LetterBucket, LetterQueue } from '../shared/runtime/dead-letters/ports.ts';

/** SQS takes so many entries in one request. */
const entriesPerRequest = 10;

/** Queues and buckets of AWS. Their clients are loaded when a connector names one: few do. */
export function deadLetterServices(env: Readonly<Record<string, string | undefined>>, region: string): DeadLetterServices {
  const sqs = new Map<string | null, Promise<SQSClient>>();
  let s3: Promise<S3Client> | undefined;
  const emulated = env['AWS_ENDPOINT_URL_SQS'] !== undefined;
  /** Queues of AWS are where their URL says; an emulator has all others, whatever address it gives them. */
  const sqsOf = (url: string) => {
    const where = /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\./.exec(url)?.[1] ?? null;
    const useQueueUrlAsEndpoint = where !== null || !emulated;
    const made = async () => new (await import('@aws-sdk/client-sqs')).SQSClient({ region: where ?? region, maxAttempts: 3, useQueueUrlAsEndpoint });
    const known = sqs.get(where) ?? made();
    sqs.set(where, known);
    return known;
  };
  // An emulator has no names of buckets in its address.
  const pathStyle = env['AWS_ENDPOINT_URL_S3'] !== undefined;
  const s3Client = () =>
    (s3 ??= import('@aws-sdk/client-s3').then(
      ({ S3Client }) => new S3Client({ region, maxAttempts: 5, forcePathStyle: pathStyle, followRegionRedirects: !pathStyle }),
    ));
  return {
    queue: (url) => sqsQueue(url, () => sqsOf(url)),
    bucket: (name) => s3Bucket(name, s3Client),
  };
}

function sqsQueue(url: string, clientOf: () => Promise<SQSClient>): LetterQueue {
  const call = <T>(what: string, action: (client: SQSClient, commands: typeof import('@aws-sdk/client-sqs')) => Promise<T>) =>
    told(`${what} the queue ${url}`, async () => action(await clientOf(), await import('@aws-sdk/client-sqs')));
  const attributes = (names: readonly ('MaximumMessageSize' | 'ApproximateNumberOfMessages' | 'ApproximateNumberOfMessagesNotVisible')[]) =>
    call('look at', async (client, { GetQueueAttributesCommand }) => {
      const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] }));
      return names.map((name) => Number(Attributes?.[name] ?? 0));
    });
  return {
    async maxMessageBytes() {
      const [most = 0] = await attributes(['MaximumMessageSize']);
      return most > 0 ? most : 262_144;
    },
    send: (messages) =>
      call('send to', async (client, { SendMessageBatchCommand }) => {
        const Entries = messages.map(({ body, attributes: given }, index) => ({
          Id: String(index),
          MessageBody: body,
          MessageAttributes: Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { DataType: 'String', StringValue: value }])),
        }));
        const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
        return new Map(
          Failed.map(({ Id, Code, Message }) => [Number(Id), new ConnectException(`The queue ${url} refused a message: ${Code} ${Message ?? ''}`)]),
        );
      }),
    receive: ({ max, hiddenSeconds, waitSeconds }) =>
      call('receive from', async (client, { ReceiveMessageCommand }) => {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({
            QueueUrl: url,
            MaxNumberOfMessages: Math.min(max, entriesPerRequest),
            VisibilityTimeout: hiddenSeconds,
            WaitTimeSeconds: waitSeconds,
            MessageSystemAttributeNames: ['SentTimestamp'],
          }),
        );
        return Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '', Attributes }) => ({
          id: MessageId,
          receipt: ReceiptHandle,
          body: Body,
          sentAt: Number(Attributes?.SentTimestamp ?? 0),
        }));
      }),
    async delete(receipts) {
      for (const some of parts(receipts)) {
        await call('delete from', async (client, { DeleteMessageBatchCommand }) => {
          const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries: some.map(entryOf) }));
          const [first] = Failed;
          if (first !== undefined) throw new RetriableException(`${first.Code} ${first.Message ?? ''}`);
        });
      }
    },
    async hide(receipts, seconds) {
      for (const some of parts(receipts)) {
        await call('hide messages of', (client, { ChangeMessageVisibilityBatchCommand }) =>
          client.send(
            new ChangeMessageVisibilityBatchCommand({
              QueueUrl: url,
              Entries: some.map((receipt, index) => ({ ...entryOf(receipt, index), VisibilityTimeout: seconds })),
            }),
          ),
        );
      }
    },
    async size() {
      const [visible = 0, hidden = 0] = await attributes(['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible']);
      return { visible, hidden };
    },
  };
}

function s3Bucket(name: string, clientOf: () => Promise<S3Client>): LetterBucket {
  return {
    put: (key, bytes) =>
      told(`write to the bucket ${name}`, async () => {
        const { PutObjectCommand } = await import('@aws-sdk/client-s3');
        await (await clientOf()).send(new PutObjectCommand({ Bucket: name, Key: key, Body: bytes, ContentType: 'application/json' }));
      }),
    get: (key) =>
      told(`read from the bucket ${name}`, async () => {
        const { GetObjectCommand } = await import('@aws-sdk/client-s3');
        try {
          const { Body } = await (await clientOf()).send(new GetObjectCommand({ Bucket: name, Key: key }));
          return Body === undefined ? null : Buffer.from(await Body.transformToByteArray());
        } catch (error) {
          if ((error as Error).name === 'NoSuchKey') return null;
          throw error;
        }
      }),
  };
}

const entryOf = (receipt: string, index: number) => ({ Id: String(index), ReceiptHandle: receipt });

function parts<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / entriesPerRequest) }, (_, at) => all.slice(at * entriesPerRequest, (at + 1) * entriesPerRequest));
}

/** Says what was tried; an error of the client's side (no such queue, no right, no such bucket) will not pass by trying again. */
async function told<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const { name, message, $metadata, $retryable } = cause as Error & { $metadata?: { httpStatusCode?: number }; $retryable?: object };
    const text = `Could not ${what}: ${name}: ${message}`;
    const status = $metadata?.httpStatusCode ?? 500;
    const passes = $retryable !== undefined || status >= 500 || status === 429 || /Throttl|Timeout/.test(name);
    throw passes ? new RetriableException(text, { cause }) : new ConnectException(text, { cause });
  }
}
