import { describe, expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { configDef, Plugins, password, recordTransformation } from '../../shared/connect/index.ts';
import { connectors } from '../../shared/connectors/index.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';
import type { ConfigInfos } from '../../shared/herder/entities.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { offlineErrors } from '../../shared/herder/offline-errors.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const sealed = recordTransformation({
  className: 'x.Seal',
  version: '1',
  overview: 'Seals.',
  config: configDef({ secret: password({ default: null, importance: 'HIGH', doc: 'A secret.' }) }),
  create: () => (record) => record,
});
const plugins = new Plugins([...connectors, ...converters, ...headerConverters, sealed]);
const text = 'org.apache.kafka.connect.storage.StringConverter';
const providers = { 'config.providers': 'secretsmanager,env' };
const required = { ...providers, 'sluice.secrets.required': 'true' };
const jdbc = { 'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector', topics: 't', 'connection.url': 'jdbc:postgresql://db/x' };
const avro = { 'value.converter': 'io.confluent.connect.avro.AvroConverter', 'value.converter.schema.registry.url': 'http://registry' };

function api(worker: Readonly<Record<string, string>>) {
  const clock = new ManualClock();
  const full = { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text, ...worker };
  const herder = new Herder({
    storage: createMemoryStorage(clock),
    kafka: {} as KafkaClients,
    plugins,
    worker: full,
    clock,
    logger: collectingLogger(),
    workerId: 'w',
  });
  return async (method: string, path: string, body: unknown) => {
    const request = { method, path, query: new URLSearchParams(), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await answer(request, { herder, logger: collectingLogger() });
    return { ...response, text: JSON.stringify(response, (_name, value) => (typeof value === 'bigint' ? String(value) : value)) };
  };
}

const validations = '/connector-plugins/JdbcSinkConnector/config/validate';
function errorsOf(body: unknown): Record<string, readonly string[]> {
  const { configs, error_count } = body as ConfigInfos;
  const errors = configs.flatMap(({ value }) => (value !== null && value.errors.length > 0 ? [[value.name, value.errors] as const] : []));
  expect(error_count).toBe(errors.flatMap(([, each]) => each).length);
  return Object.fromEntries(errors);
}
const refusal = (key: string, how = 'a config provider, such as ${secretsmanager:…} or ${env:…}') =>
  `Invalid value [hidden] for configuration ${key}: A secret must not be written out here (sluice.secrets.required=true); name it by a reference to ${how}`;

const clear = {
  'connection.password': 'hunter2',
  'value.converter.basic.auth.user.info': 'me:hunter2',
  'transforms.seal.secret': 'hunter2',
  'consumer.override.sasl.jaas.config': 'org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="hunter2";',
  'consumer.override.ssl.key.password': 'hunter2',
  'producer.override.ssl.keystore.password': 'hunter2',
  'admin.override.ssl.truststore.password': '${unknown:hunter2}',
};
const config = { ...jdbc, ...avro, transforms: 'seal', 'transforms.seal.type': 'x.Seal', ...clear };

describe('sluice.secrets.required of the worker', () => {
  test('refuses every password that is written out, wherever it stands, and never tells one', async () => {
    const { status, body, text: told } = await api(required)('PUT', validations, { name: 'a', ...config });
    expect(status).toBe(200);
    expect(errorsOf(body)).toEqual(Object.fromEntries(Object.keys(clear).map((key) => [key, [refusal(key)]])));
    expect(told).not.toContain('hunter2');
  });

  test('holds for every way in, and what is wrong is told with its key', async () => {
    const call = api(required);
    const good = { ...jdbc, 'connection.password': '${env:DB}' };
    expect((await call('POST', '/connectors', { name: 'a', config: good })).status).toBe(201);
    const bad = { ...jdbc, 'connection.password': 'hunter2' };
    for (const [method, path, body] of [
      ['POST', '/connectors', { name: 'b', config: bad }],
      ['PUT', '/connectors/b/config', bad],
      ['PUT', '/connectors/a/config', bad],
      ['PATCH', '/connectors/a/config', { 'connection.password': 'hunter2' }],
    ] as const) {
      const answered = await call(method, path, body);
      expect([answered.status, answered.body]).toEqual([400, { error_code: 400, message: expect.stringContaining(refusal('connection.password')) }]);
      expect(answered.headers?.['sluice-invalid-keys']).toContain('{"key":"connection.password"');
      expect(answered.text).not.toContain('hunter2');
    }
    expect((await call('PATCH', '/connectors/a/config', { 'connection.user': 'me' })).status).toBe(200);
  });

  test('takes references, with text around them, and empty values', async () => {
    const values = {
      ...Object.fromEntries(Object.keys(clear).map((key) => [key, '${secretsmanager:orders/db:password}'])),
      'consumer.override.sasl.jaas.config': 'PlainLoginModule required username="me" password="${env:PASSWORD}";',
      'transforms.seal.secret': '',
    };
    expect(errorsOf((await api(required)('PUT', validations, { name: 'a', ...config, ...values })).body)).toEqual({});
  });

  test('finds what stands under the prefix of a converter that only the worker names: nothing reads it, but it would be stored', async () => {
    const given = { name: 'a', ...jdbc, 'value.converter.basic.auth.user.info': 'me:hunter2' };
    const { body, text: told } = await api({ ...required, ...avro })('PUT', validations, given);
    expect(errorsOf(body)).toEqual({ 'value.converter.basic.auth.user.info': [refusal('value.converter.basic.auth.user.info')] });
    expect(told).not.toContain('hunter2');
  });

  test('says so where the worker has no config providers', async () => {
    const { body } = await api({ 'sluice.secrets.required': 'TRUE' })('PUT', validations, { name: 'a', ...jdbc, 'connection.password': '${env:DB}' });
    expect(errorsOf(body)).toEqual({
      'connection.password': [refusal('connection.password', 'a config provider, of which the worker has none yet (config.providers)')],
    });
  });

  test('is checked without a server, too', () => {
    const worker = { 'key.converter': text, 'value.converter': text, ...required };
    expect(offlineErrors('a', { ...jdbc, name: 'a', 'connection.password': 'hunter2' }, { plugins, worker, unknown: 'fail' })).toEqual([
      `Connector a, connection.password: ${refusal('connection.password')}`,
    ]);
  });

  test('must be true or false', () => {
    expect(() => api({ 'sluice.secrets.required': 'yes' })).toThrow(
      'Invalid value yes for configuration sluice.secrets.required: Expected value to be either true or false',
    );
  });
});

describe('sluice.secrets.required of a connector', () => {
  test('holds for that one', async () => {
    const call = api(providers);
    const strict = { ...jdbc, 'connection.password': 'hunter2', 'sluice.secrets.required': 'true' };
    expect(errorsOf((await call('PUT', validations, { name: 'a', ...strict })).body)).toEqual({ 'connection.password': [refusal('connection.password')] });
    expect(errorsOf((await call('PUT', validations, { name: 'a', ...strict, 'sluice.secrets.required': 'false' })).body)).toEqual({});
    expect(errorsOf((await call('PUT', validations, { name: 'a', ...strict, 'sluice.secrets.required': 'maybe' })).body)).toHaveProperty([
      'sluice.secrets.required',
    ]);
  });

  test('cannot take back what the worker asks for', async () => {
    const lax = { name: 'a', ...jdbc, 'connection.password': 'hunter2', 'sluice.secrets.required': 'false' };
    expect(errorsOf((await api(required)('PUT', validations, lax)).body)).toHaveProperty(['connection.password']);
  });
});

test('Without it nothing changes', async () => {
  const { body } = await api(providers)('PUT', validations, { name: 'a', ...config });
  expect(errorsOf(body)).toEqual({});
});
