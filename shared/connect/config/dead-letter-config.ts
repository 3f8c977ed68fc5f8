import { ConfigException } from '../errors.ts';
import { type RawConfig, short, string } from './config-def.ts';
import { validator } from './validators.ts';

const GROUP = 'Error Handling';
const TOPIC = 'sluice.errors.deadletterqueue.topic.name';
const FACTOR = 'sluice.errors.deadletterqueue.topic.replication.factor';
const QUEUE = 'sluice.errors.deadletterqueue.sqs.queue.url';
const BUCKET = 'sluice.errors.deadletterqueue.s3.bucket';
const PREFIX = 'sluice.errors.deadletterqueue.s3.prefix';

/** An address, or a reference to a config provider, which is known only when the task starts. */
const queueUrl = validator("the URL of an SQS queue, such as 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead'", (name, value) => {
  const text = String(value ?? '');
  if (text === '' || text.includes('${')) return;
  if (!/^https?:\/\/[^/\s]+\/\S+$/.test(text))
    throw ConfigException.forValue(name, text, 'Expected the URL of an SQS queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dead');
  if (text.endsWith('.fifo')) throw ConfigException.forValue(name, text, 'Expected a standard queue: FIFO queues would drop records that are equal');
});

const bucketName = validator('the name of an S3 bucket', (name, value) => {
  const text = String(value ?? '');
  if (text === '' || text.includes('${') || /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)) return;
  throw ConfigException.forValue(name, text, 'Expected the name of an S3 bucket, without s3:// and without a path (that is the prefix)');
});

/** Keys about dead letters that Kafka Connect does not have. */
export const deadLetterKeys = {
  [TOPIC]: string({
    default: '',
    importance: 'MEDIUM',
    doc: 'Sources: the topic that gets records which cannot be transformed, converted or produced. Sinks name theirs in `errors.deadletterqueue.topic.name`.',
    group: GROUP,
    width: 'MEDIUM',
    displayName: 'Dead letter topic of a source',
  }),
  [FACTOR]: short({
    default: 3,
    importance: 'MEDIUM',
    doc: 'Sources: replication factor of the dead letter topic, when it does not exist yet.',
    group: GROUP,
    width: 'SHORT',
    displayName: 'Replication factor of the dead letter topic',
  }),
  [QUEUE]: string({
    default: '',
    validator: queueUrl,
    importance: 'MEDIUM',
    doc: 'URL of an SQS queue that gets failed records, of sinks and sources, with what is known of the failure.',
    group: GROUP,
    width: 'LONG',
    displayName: 'Dead letter SQS queue',
  }),
  [BUCKET]: string({
    default: '',
    validator: bucketName,
    importance: 'LOW',
    doc: 'S3 bucket for failed records that are larger than the dead letter queue takes; the queue gets a pointer. Empty: they are cut.',
    group: GROUP,
    width: 'MEDIUM',
    displayName: 'Bucket of large dead letters',
  }),
  [PREFIX]: string({
    default: 'dead-letters/',
    importance: 'LOW',
    doc: 'What the names of objects in that bucket begin with.',
    group: GROUP,
    width: 'MEDIUM',
    displayName: 'Prefix of large dead letters',
  }),
} as const;

/** What is wrong with the keys of a connector taken together: messages by key. */
export function deadLetterKeyErrors(kind: 'source' | 'sink', config: RawConfig): readonly { readonly name: string; readonly message: string }[] {
  const has = (name: string) => (config[name] ?? '').trim() !== '';
  const errors: { name: string; message: string }[] = [];
  for (const name of [TOPIC, FACTOR]) {
    if (kind === 'sink' && has(name))
      errors.push({ name, message: `'${name}' is for sources: a sink takes '${name.slice('sluice.'.length)}', as in Kafka Connect` });
  }
  const queued = has(QUEUE) || has(kind === 'sink' ? 'errors.deadletterqueue.topic.name' : TOPIC);
  if (has(BUCKET) && !queued)
    errors.push({ name: BUCKET, message: `'${BUCKET}' is for what a dead letter queue is too small for, and there is no such queue` });
  return errors;
}
