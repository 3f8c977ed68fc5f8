import { ConfigException } from '../../errors.ts';
import { type JavaPattern, javaPattern } from '../../java-pattern.ts';
import { type ConfigDef, configDef, int, list, type RawConfig, short } from '../config-def.ts';
import { parseType } from '../parse-type.ts';
import { nonNull, validator } from '../validators.ts';

const prefix = 'topic.creation.';

/** How topics of one group are created (KIP-158). */
export interface TopicCreationSettings {
  readonly name: string;
  /** Whole names that belong to the group; a name that `exclude` matches does not. */
  readonly include: readonly JavaPattern[];
  readonly exclude: readonly JavaPattern[];
  /** -1: the broker's default. */
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  /** Settings of the topic, such as `cleanup.policy`. */
  readonly configs: Readonly<Record<string, string>>;
}

const replicationFactor = validator(
  "Positive number not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
  (name, value) => {
    if (value !== -1 && (value as number) < 1)
      throw ConfigException.forValue(
        name,
        value,
        "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
      );
  },
);

const partitions = validator("Positive number, or -1 to use the broker's default", (name, value) => {
  if (value !== -1 && (value as number) < 1)
    throw ConfigException.forValue(name, value, "Number of partitions must be positive, or -1 to use the broker's default");
});

const patterns = validator('regular expressions', (name, value) => {
  try {
    for (const pattern of value as readonly string[]) javaPattern(pattern);
  } catch (error) {
    throw ConfigException.forValue(name, value, `Syntax error in regular expression: ${(error as Error).message}`);
  }
});

/** Keys of a group, without `topic.creation.<group>.`. `defaults` are those of the group `default`; null makes the default group itself. */
export function topicCreationGroupConfig(group: string, defaults: { replicationFactor: number; partitions: number } | null) {
  const shared = { importance: 'LOW', group, width: 'LONG' } as const;
  const factorOptions = {
    ...shared,
    validator: replicationFactor,
    doc: "Replication factor of new topics; -1 is the broker's default. Required for the group `default`, whose value is that of the other groups when they have none.",
    displayName: `Replication Factor for Topics in ${group}`,
  };
  const partitionOptions = {
    ...shared,
    validator: partitions,
    doc: "Number of partitions of new topics; -1 is the broker's default. Required for the group `default`, whose value is that of the other groups when they have none.",
    displayName: `Partition Count for Topics in ${group}`,
  };
  return configDef({
    include: list({
      ...shared,
      default: defaults === null ? ['.*'] : [],
      validator: defaults === null ? nonNull : patterns,
      doc: 'Regular expressions for the names of topics that are created with the settings of this group.',
      displayName: `Inclusion Topic Pattern for ${group}`,
    }),
    exclude: list({
      ...shared,
      default: [],
      validator: defaults === null ? nonNull : patterns,
      doc: 'Regular expressions for the names of topics that are not, even where `include` matches.',
      displayName: `Exclusion Topic Pattern for ${group}`,
    }),
    'replication.factor': defaults === null ? short(factorOptions) : short({ ...factorOptions, default: defaults.replicationFactor }),
    partitions: defaults === null ? int(partitionOptions) : int({ ...partitionOptions, default: defaults.partitions }),
  });
}

/** Whether a source's config says anything about the topics that Connect creates. */
export function usesTopicCreation(config: RawConfig): boolean {
  return Object.keys(config).some((name) => name.startsWith(prefix));
}

/**
 * The groups of a source's config, the default group last, because a topic goes to the first group that matches. Empty
 * when the config has no `topic.creation.*` key. Throws ConfigException when the default group is incomplete or a value is wrong.
 */
export function topicCreationGroups(config: RawConfig): TopicCreationSettings[] {
  if (!usesTopicCreation(config)) return [];
  const defaults = parseGroup('default', null, config);
  const aliases = (parseType('topic.creation.groups', config['topic.creation.groups'] ?? null, 'LIST') as string[] | null) ?? [];
  const groups = [...new Set(aliases)].filter((alias) => alias !== 'default').map((alias) => parseGroup(alias, defaults, config));
  return [...groups, { ...defaults, include: [javaPattern('(?s).*')], exclude: [] }];
}

function parseGroup(name: string, defaults: { replicationFactor: number; partitions: number } | null, config: RawConfig): TopicCreationSettings {
  const definition = topicCreationGroupConfig(name, defaults);
  const full = `${prefix}${name}.`;
  const parsed: Record<string, unknown> = (configDef({}) as ConfigDef).embed(full, name, 0, definition).parse(config);
  const compile = (key: string) => (parsed[full + key] as readonly string[]).map((pattern) => javaPattern(pattern, { fullMatch: true }));
  const others = Object.entries(config).filter(([key, value]) => key.startsWith(full) && value !== null && !(key.slice(full.length) in definition.keys));
  return {
    name,
    include: compile('include'),
    exclude: compile('exclude'),
    partitions: parsed[`${full}partitions`] as number,
    replicationFactor: parsed[`${full}replication.factor`] as number,
    configs: Object.fromEntries(others.map(([key, value]) => [key.slice(full.length), value as string])),
  };
}
