import type { TopicCreationSettings } from '../connect/config/framework/topic-creation-config.ts';
import { ConnectException } from '../connect/errors.ts';
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
      throw new ConnectException(`Error while attempting to create/find topic '${topic}'`, { cause });
    }
  }
}
