import type { TopicCreationSettings } from '../connect/config/framework/topic-creation-config.ts';
import { ConnectException, javaClassOf } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { ClusterAdmin } from '../kafka/ports.ts';

/** Creates the topics of a source connector before the first record goes there. Without groups the broker may create them by itself. */
export class TopicCreation {
  readonly #admin: ClusterAdmin;
  readonly #groups: readonly TopicCreationSettings[];
  readonly #logger: Logger;

  constructor(options: { admin: ClusterAdmin; groups: readonly TopicCreationSettings[]; logger: Logger }) {
    this.#admin = options.admin;
    this.#groups = options.groups;
    this.#logger = options.logger;
  }

  /** Creates the topic by the first group that matches, if it is missing. Throws ConnectException with the broker's reason. */
  async ensure(topic: string): Promise<void> {
    const group = this.#groups.find(({ include, exclude }) => include.some((each) => each.test(topic)) && !exclude.some((each) => each.test(topic)));
    if (group === undefined) return;
    const existing = await this.#admin.partitionCounts([topic]);
    if (existing.has(topic)) return;
    try {
      const { partitions, replicationFactor, configs } = group;
      const created = await this.#admin.createTopic({ topic, partitions, replicationFactor, configs });
      if (created) this.#logger.info(`Created topic '${topic}' using creation group '${group.name}'`, { partitions, replicationFactor });
    } catch (cause) {
      throw refused(topic, group, cause);
    }
  }
}

/** What TopicAdmin and the task make of the broker's refusal. */
function refused(topic: string, { partitions, replicationFactor, configs }: TopicCreationSettings, cause: unknown): ConnectException {
  const { reason } = cause as { reason?: string };
  switch (javaClassOf(cause).replace('org.apache.kafka.common.errors.', '')) {
    case 'InvalidReplicationFactorException':
    case 'InvalidTopicException':
    case 'InvalidConfigurationException':
      return new ConnectException(`Unable to create topic(s) '${topic}': ${reason}`, { cause });
    case 'ClusterAuthorizationException':
    case 'TopicAuthorizationException': {
      const described = Object.entries(configs).map(([key, value]) => `${key}=${value}`);
      const made = `(name=${topic}, numPartitions=${partitions}, replicationFactor=${replicationFactor}, replicasAssignments=null, configs={${described.join(', ')}})`;
      return new ConnectException(
        `Task failed to create new topic ${made}. Ensure that the task is authorized to create topics or that the topic exists and restart the task`,
        { cause },
      );
    }
    default:
      return new ConnectException(`Error while attempting to create/find topic(s) '${topic}'`, { cause });
  }
}
