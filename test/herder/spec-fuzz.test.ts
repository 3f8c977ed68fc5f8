import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { type ConnectRecord, isConnectException, Schema, SinkRecord, struct } from '../../shared/connect/index.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import { converterOf, headerConverterOf } from '../../shared/runtime/task-factory.ts';
import { taskSettings } from '../../shared/runtime/task-settings.ts';
import { type ChainPlugins, TransformationChain } from '../../shared/runtime/transformation-chain.ts';
import { connectorContext, sinkContext, sourceContext } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const string = 'org.apache.kafka.connect.storage.StringConverter';
const worker = { 'bootstrap.servers': 'nowhere:1', 'key.converter': string, 'value.converter': string, 'header.converter': string };
const clock = new ManualClock();

const herder = new Herder({
  storage: createMemoryStorage(clock),
  kafka: { admin: (): Partial<ClusterAdmin> => ({ clusterId: async () => 'test' }) } as unknown as KafkaClients,
  plugins,
  worker,
  clock,
  logger,
  workerId: 'api-1',
});
const validate = async (config: Record<string, string>) => {
  const path = `/connector-plugins/${encodeURIComponent(config['connector.class'] as string)}/config/validate`;
  const headers = { 'content-type': 'application/json' };
  return answer({ method: 'PUT', path, query: new URLSearchParams(), headers, body: JSON.stringify(config) }, { herder, logger });
};

interface Validated {
  readonly error_count: number;
  readonly configs: readonly { readonly value: { readonly name: string; readonly errors: readonly string[] } }[];
}

const value = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '1',
      '-1',
      '0',
      '1.5',
      'true',
      'false',
      'a',
      'a,b',
      'a:b',
      'a.b',
      '.*',
      'UTC',
      'utf-8',
      'upsert',
      'insert',
      'record_key',
      'none',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      ',',
      'a,,b',
      'a,a',
      ':',
      'a:int32,b:string',
      'NaN',
      '1e99',
      '-99999999999999999999',
      '(',
      '[',
      '\\',
      '$',
      '${',
      '${a}',
      '\0',
      '{"a":',
      '{}',
      '[1]',
      'null',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'jdbc:postgresql://h/d',
      'jdbc:sqlite::memory:',
      'jdbc:',
      'yyyy-MM-dd',
      'int32',
      'timestamp',
      'users',
      '/tmp',
      'http://h:1',
      'unix',
      '$.a',
    ),
  },
  { weight: 1, arbitrary: fc.string() },
);
const some = (keys: readonly string[], most: number): fc.Arbitrary<Record<string, string>> =>
  keys.length === 0
    ? fc.constant({})
    : fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: most }) });
const prefixed = (prefix: string, keys: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(keys).map(([key, each]) => [`${prefix}${key}`, each]));
/** What makes most plugins content; random values go over it. */
const sensible: Readonly<Record<string, string>> = {
  ...{
    topic: 't',
    'kafka.topic': 't',
    file: '/tmp/f',
    quickstart: 'users',
    'connection.url': 'jdbc:sqlite:/tmp/x.db',
    'schema.registry.url': 'http://127.0.0.1:1',
  },
  ...{ 'input.path': tmpdir(), 'error.path': tmpdir(), 'finished.path': tmpdir(), 'input.file.pattern': '.*', 'schema.generation.enabled': 'true' },
  ...{ field: 'a', fields: 'a', regex: '.*', replacement: 'x', spec: 'a:string', 'target.type': 'string', format: 'yyyy', header: 'h', headers: 'h' },
  ...{ 'value.literal': '1', operation: 'copy', 'static.field': 'x', 'static.value': 'v', 'filter.condition': '$.a', 'filter.type': 'include' },
  ...{ pattern: '.*', name: 'h', region: 'us-east-1', 'topic.format': '$' + '{topic}', 'schema.name': 's', 'topic.regex': '(.*)', 'topic.replacement': '$1' },
};
const sensibleOf = (keys: readonly string[]) => Object.fromEntries(keys.flatMap((key) => (sensible[key] === undefined ? [] : [[key, sensible[key]]])));
const ownKeys = (keys: readonly string[], most: number): fc.Arbitrary<Record<string, string>> =>
  fc.tuple(fc.integer({ min: 0, max: 9 }), some(keys, most)).map(([content, random]) => ({ ...(content > 0 ? sensibleOf(keys) : {}), ...random }));
/** A plugin of a kind with some of its own keys. */
const pluginOf = (kind: 'transformation' | 'predicate' | 'converter') =>
  fc.constantFrom(...plugins.ofKind(kind)).chain(({ className, config }) => ownKeys(Object.keys(config.keys), 3).map((keys) => ({ className, keys })));

/** Any connector with some of its keys, perhaps a converter and up to two transformations with theirs. */
const spec = fc.constantFrom(...plugins.connectors()).chain((definition) =>
  fc
    .record({
      own: ownKeys(Object.keys(definition.config.keys), 3),
      ours: some(['sluice.schedule', 'sluice.trigger', 'sluice.circuit.backoff.ms', 'sluice.circuit.timeout.ms', 'sluice.restart.max.attempts', 'sluice.x'], 2),
      common: some(['tasks.max', 'errors.tolerance', 'errors.retry.timeout', 'errors.deadletterqueue.topic.name', 'topic.creation.groups', 'topics.regex'], 2),
      converter: fc.option(pluginOf('converter')),
      transforms: fc.array(fc.tuple(pluginOf('transformation'), fc.option(pluginOf('predicate'))), { maxLength: 2 }),
      topics: fc.constantFrom({}, { topics: 'orders' }),
    })
    .map(
      ({ own, ours, common, converter, transforms, topics }): Record<string, string> => ({
        name: 'c',
        ...topics,
        ...own,
        ...ours,
        ...common,
        ...(converter === null ? {} : { 'value.converter': converter.className, ...prefixed('value.converter.', converter.keys) }),
        ...(transforms.length === 0 ? {} : { transforms: transforms.map((_, index) => `t${index}`).join(','), predicates: 'p0,p1' }),
        ...Object.assign({}, ...[0, 1].map((index) => ({ [`predicates.p${index}.type`]: 'org.apache.kafka.connect.transforms.predicates.RecordIsTombstone' }))),
        ...Object.assign(
          {},
          ...transforms.map(([transformation, predicate], index) => ({
            [`transforms.t${index}.type`]: transformation.className,
            ...prefixed(`transforms.t${index}.`, transformation.keys),
            ...(predicate === null
              ? {}
              : {
                  [`predicates.p${index}.type`]: predicate.className,
                  ...prefixed(`predicates.p${index}.`, predicate.keys),
                  [`transforms.t${index}.predicate`]: `p${index}`,
                }),
          })),
        ),
        'connector.class': definition.className,
      }),
    ),
);

/** The words of an engine whose author did not expect this. */
const accident = /undefined|\[object Object\]|Cannot (?:read|convert|destructure|set)|is not (?:a function|iterable|defined)|Maximum call stack/;

const row = struct({ a: Schema.OPTIONAL_STRING_SCHEMA, b: Schema.OPTIONAL_INT64_SCHEMA });
const values: [Schema | null, unknown][] = [
  [null, null],
  [null, 'text'],
  [null, 7],
  [
    null,
    new Map<string, unknown>([
      ['a', 'x'],
      ['b', new Map([['a', 1]])],
    ]),
  ],
  [Schema.STRING_SCHEMA, 'text'],
  [row, { a: 'x', b: 1n }],
  [row, { a: null, b: null }],
];

/** What a run does with a config before it meets the external system, and with records. Every error must be one that was meant. */
async function runsWith(config: Record<string, string>): Promise<void> {
  const definition = plugins.connector(config['connector.class'] as string);
  const meant = async (what: string, action: () => unknown): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (error) {
      expect(
        isConnectException(error) || (error as { javaClass?: unknown }).javaClass !== undefined,
        `${what} of ${JSON.stringify(config)}: ${(error as Error).stack}`,
      ).toBe(true);
      expect((error as Error).message).not.toMatch(accident);
      return false;
    }
  };
  await meant('settings', () => taskSettings(definition.kind, config, worker));
  await meant('task configs', () => definition.taskConfigs(connectorContext(definition.config.parse(config), config, 2)));
  await meant('task', () => (definition.kind === 'sink' ? definition.createTask(sinkContext(config)) : definition.createTask(sourceContext(config))));
  const ports = { plugins, worker, clock, logger };
  await meant('converters', () => [converterOf(ports, config, 'key'), converterOf(ports, config, 'value'), headerConverterOf(ports, config)]);
  let chain: TransformationChain | undefined;
  await meant('transformations', () => {
    chain = new TransformationChain(config, plugins.find.bind(plugins) as ChainPlugins);
  });
  if (chain === undefined) return;
  for (const [schema, each] of values) {
    const record: ConnectRecord = new SinkRecord('orders', 0, schema, each, schema, each, 1n, 1_700_000_000_000);
    try {
      chain.apply(record);
    } catch (error) {
      expect((error as Error).message, `${JSON.stringify(config)}: ${(error as Error).stack}`).not.toMatch(accident);
    }
  }
  chain.close();
}

test('whatever the keys of a spec hold, validation names each key that is wrong, and what is not wrong can be made', { timeout: 120_000 }, async () => {
  let right = 0;
  await fc.assert(
    fc.asyncProperty(spec, async (config) => {
      const { status, body } = await validate(config);
      expect(status, JSON.stringify({ config, body })).toBe(200);
      const { error_count: count, configs } = body as Validated;
      const wrong = configs.filter(({ value: { errors } }) => errors.length > 0);
      expect(wrong.length > 0, JSON.stringify(config)).toBe(count > 0);
      for (const { value: each } of wrong) {
        for (const error of each.errors) expect(error, `${each.name}: ${JSON.stringify(config)}`).toMatch(/\S/);
        expect(each.errors.join('\n'), `${each.name}: ${JSON.stringify(config)}`).not.toMatch(accident);
      }
      if (count > 0) return;
      right++;
      await runsWith(config);
    }),
    { numRuns: 1_500 },
  );
  expect(right).toBeGreaterThan(100);
});
