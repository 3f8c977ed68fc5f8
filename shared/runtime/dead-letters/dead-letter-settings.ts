import { deadLetterKeyErrors } from '../../connect/config/dead-letter-config.ts';
import { sinkConnectorConfig } from '../../connect/config/framework/sink-connector-config.ts';
import { sluiceConfig } from '../../connect/config/sluice-config.ts';
import { ConfigException } from '../../connect/errors.ts';

/** A topic for dead letters. */
export interface DeadLetterTopicSettings {
  readonly topic: string;
  readonly replicationFactor: number;
  readonly contextHeaders: boolean;
}

/** Where a connector's dead letters go: a topic, an SQS queue, both or neither. */
export interface DeadLetterSettings {
  readonly topic: DeadLetterTopicSettings | null;
  readonly queueUrl: string | null;
  /** For what is too large for them; null: it is cut. */
  readonly claims: { readonly bucket: string; readonly prefix: string } | null;
}

/** Reads them. Throws ConfigException naming the key. */
export function deadLetterSettings(kind: 'source' | 'sink', config: Readonly<Record<string, string>>): DeadLetterSettings {
  const [wrong] = deadLetterKeyErrors(kind, config);
  if (wrong !== undefined) throw new ConfigException(wrong.message);
  const ours = sluiceConfig.parse(config);
  const bucket = ours['sluice.errors.deadletterqueue.s3.bucket'].trim();
  const queueUrl = ours['sluice.errors.deadletterqueue.sqs.queue.url'].trim();
  return {
    topic: kind === 'sink' ? topicOfSink(config) : topicOfSource(ours),
    queueUrl: queueUrl === '' ? null : queueUrl,
    claims: bucket === '' ? null : { bucket, prefix: ours['sluice.errors.deadletterqueue.s3.prefix'] },
  };
}

function topicOfSink(config: Readonly<Record<string, string>>): DeadLetterTopicSettings | null {
  const sink = sinkConnectorConfig.parse(config);
  const topic = sink['errors.deadletterqueue.topic.name'];
  if (topic === '') return null;
  return {
    topic,
    replicationFactor: sink['errors.deadletterqueue.topic.replication.factor'],
    contextHeaders: sink['errors.deadletterqueue.context.headers.enable'],
  };
}

/** A record of a source cannot be understood without its context. */
function topicOfSource(ours: ReturnType<typeof sluiceConfig.parse>): DeadLetterTopicSettings | null {
  const topic = ours['sluice.errors.deadletterqueue.topic.name'].trim();
  return topic === '' ? null : { topic, replicationFactor: ours['sluice.errors.deadletterqueue.topic.replication.factor'], contextHeaders: true };
}
