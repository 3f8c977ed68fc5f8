import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ClusterAdmin } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const logged: string[] = [];
const logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error: (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`),
};

function restApi() {
  const clock = new ManualClock();
  const admin: Partial<ClusterAdmin> = {
    clusterId: async () => 'test',
    partitionCounts: async () => new Map([['orders', 1]]),
    groupOffsets: async () => new Map(),
    commitGroupOffsets: async () => {},
    deleteGroup: async () => {},
    close: async () => {},
  };
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  const herder = new Herder({
    storage: createMemoryStorage(clock),
    kafka: { ...createKafkaClients({ 'bootstrap.servers': 'nowhere:1' }, logger), admin: () => admin as ClusterAdmin },
    plugins,
    worker: { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text, 'header.converter': text },
    clock,
    logger,
    workerId: 'api-1',
  });
  return (method: string, path: string, body: string) => {
    const [at = '', query = ''] = path.split('?');
    return answer({ method, path: at, query: new URLSearchParams(query), headers: { 'content-type': 'application/json' }, body }, { herder, logger });
  };
}

const connectors = plugins.connectors();
const classes = plugins.list().map(({ className }) => className);
const name = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('a', 'b') }, { weight: 1, arbitrary: fc.string() });
const keys = [
  ...new Set(connectors.flatMap((definition) => Object.keys(definition.config.keys))),
  'name',
  'topics',
  'topics.regex',
  'tasks.max',
  'transforms',
  'transforms.t.type',
  'transforms.t.predicate',
  'transforms.t.negate',
  'predicates',
  'predicates.p.type',
  'predicates.p.pattern',
  'key.converter',
  'value.converter.schemas.enable',
  'errors.tolerance',
  'errors.deadletterqueue.topic.name',
  'topic.creation.groups',
  'topic.creation.default.partitions',
  'consumer.override.max.poll.records',
  'producer.override.acks',
  'sluice.trigger',
  'sluice.schedule',
  'sluice.restart.max.attempts',
  'exactly.once.support',
  'transaction.boundary',
  'config.action.reload',
];
const value = fc.oneof(
  fc.constantFrom(
    '1',
    '-1',
    '0',
    'true',
    'a,b',
    't',
    'p',
    '',
    ' ',
    '${file:/x:y}',
    '${',
    'NaN',
    '99999999999999999999',
    '(',
    'event',
    'rate(1 minute)',
    'jdbc:postgresql://h/d',
  ),
  fc.constantFrom(...classes),
  fc.string(),
);
const config = fc
  .record({
    class: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...connectors.map(({ className }) => className)) }, { weight: 1, arbitrary: value }),
    others: fc.dictionary(fc.constantFrom(...keys), fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue() }), { maxKeys: 3 }),
    topics: fc.boolean(),
  })
  .map(({ class: connectorClass, others, topics }) => ({
    'connector.class': connectorClass,
    topic: 'orders',
    file: '/f',
    ...(topics ? { topics: 'orders' } : {}),
    ...others,
  }));
const offsets = fc.record({
  offsets: fc.array(
    fc.record({
      partition: fc.oneof(fc.record({ kafka_topic: value, kafka_partition: fc.oneof(fc.integer(), value) }), fc.record({ filename: value }), fc.jsonValue()),
      offset: fc.oneof(fc.constant(null), fc.record({ kafka_offset: fc.oneof(fc.integer(), value) }), fc.record({ position: fc.integer() }), fc.jsonValue()),
    }),
    { maxLength: 3 },
  ),
});
const anyBody = fc.oneof(fc.jsonValue(), fc.string()).map((body) => (typeof body === 'string' ? body : JSON.stringify(body)));
const json = (arbitrary: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 5, arbitrary: arbitrary.map((body) => JSON.stringify(body)) }, { weight: 1, arbitrary: anyBody });
const query = fc.constantFrom(
  '',
  '?expand=status',
  '?expand=info&expand=status',
  '?includeTasks=true',
  '?onlyFailed=maybe',
  '?scope=cluster',
  '?version=1',
  '?%',
  '?connectorsOnly=',
);

const request = fc.oneof(
  fc.record({
    method: fc.constant('POST'),
    path: fc.constant('/connectors'),
    body: json(fc.record({ name, config, initial_state: fc.constantFrom('PAUSED', 'STOPPED', 'x', null) })),
  }),
  fc.record({ method: fc.constantFrom('PUT', 'PATCH'), path: name.map((each) => `/connectors/${encodeURIComponent(each)}/config`), body: json(config) }),
  fc.record({ method: fc.constant('PATCH'), path: name.map((each) => `/connectors/${encodeURIComponent(each)}/offsets`), body: json(offsets) }),
  fc.record({
    method: fc.constant('PUT'),
    path: fc.constantFrom(...classes).map((each) => `/connector-plugins/${encodeURIComponent(each)}/config/validate`),
    body: json(config),
  }),
  fc.record({
    method: fc.constant('PUT'),
    path: fc.string().map((each) => `/admin/loggers/${encodeURIComponent(each)}`),
    body: json(fc.record({ level: value })),
  }),
  fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'),
      name,
      rest: fc.constantFrom(
        '',
        '/status',
        '/stop',
        '/pause',
        '/resume',
        '/restart',
        '/tasks',
        '/tasks/0/status',
        '/tasks/0/restart',
        '/tasks/x/restart',
        '/topics',
        '/topics/reset',
        '/offsets',
        '/wake',
        '/nothing',
      ),
      query,
      body: anyBody,
    })
    .map(({ method, name: each, rest, query: asked, body }) => ({ method, path: `/connectors/${encodeURIComponent(each)}${rest}${asked}`, body })),
  fc.record({ method: fc.constantFrom('GET', 'PUT', 'DELETE'), path: fc.oneof(fc.string(), fc.webPath()).map((path) => `/${path}`), body: anyBody }),
);

test('whatever is sent to the REST API, the answer is no 500, and an error says what is wrong', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 8 }), fc.boolean(), async (requests, stopped) => {
      const call = restApi();
      // Two to work on: without them nearly everything is a 404.
      for (const [each, kind] of [
        ['a', 'Source'],
        ['b', 'Sink'],
      ]) {
        const body = JSON.stringify({ 'connector.class': `FileStream${kind}`, file: '/f', [kind === 'Sink' ? 'topics' : 'topic']: 'orders' });
        expect(await call('PUT', `/connectors/${each}/config`, body)).toMatchObject({ status: 201 });
        if (stopped) await call('PUT', `/connectors/${each}/stop`, '');
      }
      for (const { method, path, body } of requests) {
        logged.length = 0;
        const response = await call(method, path, body);
        expect(response.status, `${method} ${path} ${body} ${logged.join('\n')}`).not.toBe(500);
        if (response.status >= 400 && method !== 'HEAD')
          expect(response.body).toMatchObject({ error_code: response.status, message: expect.stringMatching(/./) });
      }
    }),
    { numRuns: 300 },
  );
});
