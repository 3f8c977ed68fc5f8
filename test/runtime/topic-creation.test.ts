import { describe, expect, test } from 'vitest';
import { topicCreationGroups } from '../../shared/connect/config/framework/topic-creation-config.ts';
import { brokerError } from '../../shared/kafka/kafka-errors.ts';
import type { ClusterAdmin } from '../../shared/kafka/ports.ts';
import { TopicCreation } from '../../shared/runtime/topic-creation.ts';

const config = {
  'topic.creation.default.partitions': '2',
  'topic.creation.default.replication.factor': '3',
  'topic.creation.default.cleanup.policy': 'compact',
};
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Creates the topic `lines` with a broker that refuses with this code and these words. */
function refusal(code: number, reason: string): Promise<Error> {
  const admin = {
    partitionCounts: async () => new Map(),
    createTopic: async () => {
      throw brokerError(code, 'Could not create topic "lines"', reason);
    },
  } as unknown as ClusterAdmin;
  return new TopicCreation({ admin, groups: topicCreationGroups(config), logger }).ensure('lines').then(
    () => new Error('created'),
    (error: Error) => error,
  );
}

describe('A topic that the broker does not create', () => {
  test.each([
    [38, 'Unable to replicate the partition 3 time(s)', "Unable to create topic(s) 'lines': Unable to replicate the partition 3 time(s)"],
    [17, 'The topic name is not valid', "Unable to create topic(s) 'lines': The topic name is not valid"],
    [
      29,
      'Not authorized',
      'Task failed to create new topic (name=lines, numPartitions=2, replicationFactor=3, replicasAssignments=null, configs={cleanup.policy=compact}). Ensure that the task is authorized to create topics or that the topic exists and restart the task',
    ],
    [44, 'No such topics here', "Error while attempting to create/find topic(s) 'lines'"],
  ])('fails the task in the words of Kafka Connect (code %i)', async (code, reason, message) => {
    const error = await refusal(code, reason);
    expect(error.message).toBe(message);
    expect((error.cause as Error).message).toContain(reason);
  });
});
