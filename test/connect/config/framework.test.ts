import { describe, expect, it } from 'vitest';
import { sinkConnectorConfig, sinkTopics, topicCreationGroups } from '../../../shared/connect/config/framework/index.ts';
import { sluiceConfig } from '../../../shared/connect/config/sluice-config.ts';

describe('The framework part of a config', () => {
  it('parses with its types', () => {
    const config = sinkConnectorConfig.parse({ name: 'a', 'connector.class': 'X', topics: 'a,b', 'errors.retry.timeout': '-1' });
    const tolerance: string = config['errors.tolerance'];
    expect([tolerance, config['errors.retry.timeout'], config.topics, config['key.converter']]).toEqual(['none', -1, ['a', 'b'], null]);
  });

  it('knows the topics of a sink, each once', () => {
    expect(sinkTopics({ topics: 'a, b,,a' })).toEqual(['a', 'b']);
  });
});

describe('Groups of topics to be created', () => {
  it('are none without a key, and need a complete default', () => {
    expect(topicCreationGroups({})).toEqual([]);
    expect(() => topicCreationGroups({ 'topic.creation.default.partitions': '3' })).toThrow(
      'Missing required configuration "topic.creation.default.replication.factor" which has no default value.',
    );
  });

  it('match whole names, the default group last, and take its numbers', () => {
    const groups = topicCreationGroups({
      'topic.creation.groups': 'compact, default',
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '-1',
      'topic.creation.compact.include': 'state-.*,(?i)STATE',
      'topic.creation.compact.partitions': '1',
      'topic.creation.compact.cleanup.policy': 'compact',
    });
    expect(groups).toMatchObject([
      { name: 'compact', partitions: 1, replicationFactor: -1, configs: { 'cleanup.policy': 'compact' } },
      { name: 'default', partitions: 3, replicationFactor: -1, configs: {} },
    ]);
    expect(['state-1', 'State', 'my-state-1'].map((topic) => groups[0]?.include.some((each) => each.test(topic)))).toEqual([true, true, false]);
    expect(groups[1]?.include[0]?.test('anything')).toBe(true);
  });
});

describe('sluice.schedule', () => {
  const check = (text: string) => sluiceConfig.validateAll({ 'sluice.schedule': text })[0]?.errorMessages ?? [];

  it.each(['', 'rate(1 minute)', 'rate(90 seconds)', 'cron(0 6 * * ? *)', 'cron(0/15 8-17 ? * MON-FRI 2030)', 'cron(0 0 L * ? *)', 'cron(0 0 ? * 6#3 *)'])(
    'may be %s',
    (text) => {
      expect(check(text)).toEqual([]);
    },
  );

  it.each([
    ['every day', 'rate(5 minutes)'],
    ['rate(0 minutes)', 'positive number'],
    ['cron(0 6 * * *)', 'found 5'],
    ['cron(0 24 * * ? *)', "'24' is not between 0 and 23 in the field hours"],
    ['cron(0 6 * FOO ? *)', 'in the field month'],
  ])('may not be %s', (text, hint) => {
    expect(check(text)).toEqual([expect.stringContaining(hint)]);
  });
});
