import { ConfigException } from '../../connect/errors.ts';
import { clientOverrides } from '../client-overrides.ts';
import { DeadLetterQueueReporter } from '../errors/dead-letter-queue-reporter.ts';
import type { RuntimePorts } from '../ports.ts';
import type { ResolvedSecrets } from '../resolved-secrets.ts';
import type { DeadLetterSettings } from './dead-letter-settings.ts';
import { LargeLetters } from './large-letters.ts';
import type { DeadLetterServices } from './ports.ts';
import { SqsLetters } from './sqs-letters.ts';
import { type LetterBox, TopicLetters } from './topic-letters.ts';

/**
 * The reporter of a task, with its queues looked up: one that cannot be had fails the task before its first record does.
 * Null for a connector without a queue. `closers` gets what must be closed with the task.
 */
export async function deadLetterReporter(
  ports: RuntimePorts,
  { topic, queueUrl, claims }: DeadLetterSettings,
  config: Readonly<Record<string, string>>,
  { connector, task }: { readonly connector: string; readonly task: number },
  closers: (() => Promise<void> | void)[],
  secrets: ResolvedSecrets,
): Promise<DeadLetterQueueReporter | null> {
  const { kafka, worker, metrics, clock } = ports;
  const boxes: LetterBox[] = [];
  const large = new LargeLetters(claims === null ? null : servicesOf(ports).bucket(claims.bucket), claims);
  if (topic !== null) {
    const producer = kafka.producer({ clientId: `connector-dlq-producer-${connector}-${task}` }, clientOverrides('producer', worker, config));
    closers.push(() => producer.close());
    const admin = kafka.admin(clientOverrides('admin', worker, config));
    boxes.push(await TopicLetters.setup({ settings: topic, producer, admin, large }));
  }
  if (queueUrl !== null) boxes.push(await SqsLetters.setup({ url: queueUrl, queue: servicesOf(ports).queue(queueUrl), large, clock }));
  return boxes.length === 0 ? null : new DeadLetterQueueReporter({ boxes, connector, task, metrics, clock, hide: (text) => secrets.hide(text) });
}

/** Throws ConfigException where there are none. */
export function servicesOf({ deadLetters }: Pick<RuntimePorts, 'deadLetters'>): DeadLetterServices {
  if (deadLetters === undefined)
    throw new ConfigException('Dead letter queues in SQS and buckets in S3 cannot be reached from here: this worker runs without AWS');
  return deadLetters;
}
