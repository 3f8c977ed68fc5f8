import type { Random } from '../random/random.ts';

/** A connector's config as a client sends it; values that are no texts are mistakes. */
export type Config = Readonly<Record<string, unknown>>;

export type Kind = 'source' | 'sink';

/**
 * Input files by name, in the folder that both systems see. Only FileStreamSources read them: how far they come is known. The last one is
 * what feeds the topics of sinks.
 */
export const files: Readonly<Record<string, string>> = {
  'lines.txt': 'line 0\nline 1\nline 2\nline 3\nline 4\n',
  'more.txt': Array.from({ length: 40 }, (_, at) => `more of line ${at}\n`).join(''),
  'half.txt': 'one\ntwo\nthr',
  'empty.txt': '',
  'feed.txt': Array.from({ length: 12 }, (_, at) => `{"n":${at}}\n`).join(''),
};

const string = 'org.apache.kafka.connect.storage.StringConverter';
const json = 'org.apache.kafka.connect.json.JsonConverter';
const transforms = 'org.apache.kafka.connect.transforms';
const classes = {
  source: ['org.apache.kafka.connect.file.FileStreamSourceConnector', 'FileStreamSource', 'FileStreamSourceConnector'],
  sink: ['org.apache.kafka.connect.file.FileStreamSinkConnector', 'FileStreamSink', 'FileStreamSinkConnector'],
} as const;

/** Topics that sinks read: JSON texts without schemas, in two partitions and in one. */
export const feedTopics: Readonly<Record<string, number>> = { 'feed-two-${RUN}': 2, 'feed-one-${RUN}': 1 };

/** What feeds a topic: lines as keys too, so that both systems put a record into the same partition. */
export function feedConfig(topic: string): Config {
  return {
    'connector.class': classes.source[0],
    file: '${DIR}/feed.txt',
    topic,
    'key.converter': string,
    'value.converter': string,
    transforms: 'hoist,key,bare,value',
    'transforms.hoist.type': `${transforms}.HoistField$Value`,
    'transforms.hoist.field': 'line',
    'transforms.key.type': `${transforms}.ValueToKey`,
    'transforms.key.fields': 'line',
    'transforms.bare.type': `${transforms}.ExtractField$Key`,
    'transforms.bare.field': 'line',
    'transforms.value.type': `${transforms}.ExtractField$Value`,
    'transforms.value.field': 'line',
    'topic.creation.default.partitions': String(feedTopics[topic]),
    'topic.creation.default.replication.factor': '1',
  };
}

/** A config that validates; its tasks may fail. */
export function validConfig(random: Random, kind: Kind): Config {
  const config = kind === 'source' ? sourceConfig(random) : sinkConfig(random);
  if (random.chance(0.35)) Object.assign(config, random.pick(kind === 'source' ? common : [...common, ...forSinks])(random));
  if (kind === 'sink' && mayFail(config)) {
    // A partition of a task that fails goes to the next one of the real group, which fails too; here tasks have partitions of their own.
    delete config['tasks.max'];
    delete config['topics.regex'];
    config['topics'] = random.pick(Object.keys(feedTopics));
  }
  return config;
}

function mayFail(config: Config): boolean {
  if (String(config['file']).includes('/no/such/')) return true;
  const converts = config['value.converter'] === string || config['value.converter.schemas.enable'] === 'false';
  return config['errors.tolerance'] !== 'all' && (!converts || config['transforms'] === 'x');
}

function sourceConfig(random: Random): Record<string, unknown> {
  const config: Record<string, unknown> = {
    'connector.class': random.pick(classes.source),
    file: `\${DIR}/${random.pick(['lines.txt', 'lines.txt', 'more.txt', 'more.txt', 'half.txt', 'empty.txt', 'missing.txt'])}`,
    topic: `out-${random.int(1, 3)}-\${ID}`,
  };
  if (random.chance(0.4)) config['tasks.max'] = random.pick(['1', '2', ' 3 ']);
  // Fewer than a file has lines: Java's task leaves the rest of them in its buffer until the file grows.
  if (random.chance(0.3)) config['batch.size'] = random.pick(['100', '2000', ' 50']);
  if (random.chance(0.6))
    Object.assign(
      config,
      random.pick([
        { 'value.converter': string },
        { 'key.converter': string, 'value.converter': json, 'value.converter.schemas.enable': 'false' },
        { 'value.converter': 'org.apache.kafka.connect.converters.ShortConverter' },
        { 'topic.creation.default.partitions': '2', 'topic.creation.default.replication.factor': '1' },
        { 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '3' },
        { 'producer.override.linger.ms': '3' },
        { 'exactly.once.support': 'requested' },
      ]),
    );
  return config;
}

function sinkConfig(random: Random): Record<string, unknown> {
  const topics = random.pick<Config>([
    { topics: 'feed-two-${RUN}' },
    { topics: 'feed-two-${RUN}' },
    { topics: 'feed-one-${RUN}' },
    { topics: 'feed-one-${RUN}, feed-two-${RUN}' },
    { topics: 'nothing-${ID}' },
    { 'topics.regex': 'feed-.*-${RUN}' },
  ]);
  const config: Record<string, unknown> = { 'connector.class': random.pick(classes.sink), file: '${DIR}/${ID}.out', ...topics };
  if (random.chance(0.08)) config['file'] = '${DIR}/no/such/folder/out.txt';
  if (random.chance(0.4)) config['tasks.max'] = random.pick(['1', '2', '3']);
  const converters = random.pick<Config>([
    { 'key.converter': string, 'value.converter': string },
    { 'key.converter': string, 'value.converter': string },
    { 'key.converter': string, 'value.converter': json, 'value.converter.schemas.enable': 'false' },
    { 'key.converter': string },
    { 'key.converter': string, 'errors.tolerance': 'all' },
    {
      'key.converter': string,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead-${ID}',
      'errors.deadletterqueue.topic.replication.factor': '1',
    },
  ]);
  if (random.chance(0.15)) config['consumer.override.max.poll.records'] = '3';
  return Object.assign(config, converters);
}

/** What source and sink may have. */
const common: readonly ((random: Random) => Config)[] = [
  (random) => ({ foo: random.pick(['', ' ', 'bär', '${nope}', '%']) }),
  () => ({ 'errors.log.enable': 'true', 'errors.retry.timeout': '0' }),
  (random) => ({ 'config.action.reload': random.pick(['none', 'restart']) }),
  () => ({ transforms: 'h', 'transforms.h.type': `${transforms}.InsertHeader`, 'transforms.h.header': 'a', 'transforms.h.value.literal': '1' }),
  () => ({ transforms: 'x', 'transforms.x.type': `${transforms}.ExtractField$Value`, 'transforms.x.field': 'n' }),
  () => ({
    transforms: 'f',
    'transforms.f.type': `${transforms}.Filter`,
    'transforms.f.predicate': 'p',
    predicates: 'p',
    'predicates.p.type': `${transforms}.predicates.RecordIsTombstone`,
  }),
  () => ({ transforms: '' }),
];

/** What drops records: the offset of a source does not move past them in Kafka Connect, so that it reads them again; here it does. */
const forSinks: typeof common = [() => ({ transforms: 'f', 'transforms.f.type': `${transforms}.Filter` })];

/** A change of a config that is, in most cases, a mistake. */
export function mistaken(random: Random, config: Config): Config {
  return { ...config, ...random.pick(mistakes) };
}

/** No null for a key of the connector's own: the real one takes it for a value. */
const mistakes: readonly Config[] = [
  { 'connector.class': undefined },
  { 'connector.class': '' },
  { 'connector.class': 'org.acme.NoSuchConnector' },
  { 'connector.class': null },
  { 'connector.class': 'FileStream' },
  { topic: undefined, topics: undefined },
  { topic: '', topics: '' },
  { topics: ' , ' },
  { topics: 'a', 'topics.regex': 'a.*' },
  { 'topics.regex': '[' },
  { 'tasks.max': '0' },
  { 'tasks.max': '-1' },
  { 'tasks.max': 'many' },
  { 'tasks.max': '1.5' },
  { 'tasks.max': '' },
  { 'tasks.max': '99999999999' },
  { foo: 7 },
  { 'tasks.max.enforce': 'maybe' },
  { 'batch.size': 'abc' },
  { 'batch.size': '1e3' },
  { file: { a: 1 } },
  { file: ['a'] },
  { foo: true },
  { name: 'another' },
  { name: '' },
  { name: null },
  { 'key.converter': 'org.acme.NoSuchConverter' },
  { 'value.converter': '' },
  { 'value.converter': 'org.apache.kafka.connect.transforms.Filter' },
  { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter', 'value.converter.schemas.enable': 'perhaps' },
  { transforms: 'a' },
  { transforms: 'a,a', 'transforms.a.type': `${transforms}.Filter` },
  { transforms: 'a', 'transforms.a.type': 'org.acme.NoSuchTransform' },
  { transforms: 'a', 'transforms.a.type': `${transforms}.HoistField$Value` },
  { transforms: 'a', 'transforms.a.type': `${transforms}.HoistField$Value`, 'transforms.a.field': 'f', 'transforms.a.negate': 'x' },
  { transforms: 'a', 'transforms.a.type': `${transforms}.Cast$Value`, 'transforms.a.spec': 'a:nothing' },
  { transforms: 'a', 'transforms.a.type': `${transforms}.RegexRouter`, 'transforms.a.regex': '[', 'transforms.a.replacement': 'x' },
  { predicates: 'p' },
  { predicates: 'p', 'predicates.p.type': `${transforms}.predicates.TopicNameMatches`, 'predicates.p.pattern': '(' },
  { predicates: 'p', 'predicates.p.type': `${transforms}.predicates.NoSuch` },
  { 'errors.tolerance': 'some' },
  { 'errors.retry.timeout': 'soon' },
  { 'errors.retry.delay.max.ms': '-5' },
  { 'errors.deadletterqueue.topic.name': 'feed-one-${RUN}', topics: 'feed-one-${RUN}' },
  { 'config.action.reload': 'perhaps' },
  { 'exactly.once.support': 'always' },
  { 'transaction.boundary': 'never' },
  { 'transaction.boundary': 'interval', 'transaction.boundary.interval.ms': '0' },
  { 'consumer.override.max.poll.records': 'x' },
  { 'producer.override.acks': 'few' },
  { 'connector.plugin.version': '9.9.9' },
  { 'connector.plugin.version': '[1,' },
];
