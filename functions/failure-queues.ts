import { ConnectException } from '../shared/connect/errors.ts';
import type { Logger } from '../shared/connect/logger.ts';
import type { KafkaClients, RecordProducer } from '../shared/kafka/ports.ts';
import type { FailureQueue } from '../shared/runtime/ports.ts';
import { answersSoon } from './aws-timeouts.ts';
import { failureMessage } from './failure-message.ts';
import { lazily } from './lazily.ts';

/** A look of the controller must not wait for a cluster that does not answer: the failure is kept, and the next look tells it. */
const sendTimeoutMs = 15_000;

/** The worker property that names a Kafka topic for failures, instead of the queue. */
export const failuresTopicProperty = 'sluice.failures.topic';

/** The failure queue: the topic that the worker names, else the queue of the deployment, or only the log where there is neither. */
export function failureQueueOf(
  worker: Readonly<Record<string, string>>,
  queue: { readonly url: string | undefined; readonly region: string },
  kafka: KafkaClients,
  logger: Logger,
): FailureQueue {
  const topic = worker[failuresTopicProperty]?.trim() ?? '';
  if (topic !== '') return kafkaFailureTopic(topic, kafka, logger);
  if (queue.url === undefined) return { send: async (report) => logger.error('Failure', { report }) };
  return sqsFailureQueue(queue.url, queue.region);
}

function sqsFailureQueue(queueUrl: string, region: string): FailureQueue {
  const sending = lazily(async () => {
    const { SendMessageCommand, SQSClient } = await import('@aws-sdk/client-sqs');
    const client = new SQSClient({ region, maxAttempts: 3, requestHandler: answersSoon });
    return (body: string) => client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));
  });
  return {
    async send(report) {
      const send = await sending();
      await send(failureMessage(report));
    },
  };
}

/** A record for each failure, keyed by its connector. It is there, on all replicas, when `send` resolves. */
function kafkaFailureTopic(topic: string, kafka: KafkaClients, logger: Logger): FailureQueue {
  const producing = lazily(async (): Promise<RecordProducer> => {
    // Who may write there need not be who may create it.
    await kafka
      .admin()
      .createTopic({ topic, partitions: 1, replicationFactor: -1 })
      .catch((error: unknown) => logger.debug('The topic of failures could not be created', { topic, error: String(error) }));
    return kafka.producer({ clientId: 'sluice-failures', deliveryTimeoutMs: sendTimeoutMs });
  });
  return {
    async send(report) {
      const producer = await producing();
      const value = Buffer.from(failureMessage(report));
      const { errors } = await producer.send([{ topic, partition: null, key: Buffer.from(report.connector), value, headers: [], timestamp: report.at }]);
      const cause = errors.get(0);
      if (cause !== undefined) throw new ConnectException(`A failure of ${report.connector} could not be written to the topic ${topic}`, { cause });
    },
  };
}
