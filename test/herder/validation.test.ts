import { describe, expect, it } from 'vitest';
import type { ConfigInfos } from '../../shared/herder/entities.ts';
import { linesConfig, restApi, shelfConfig } from './rest.ts';

async function validate(config: Record<string, string | null>, worker: Record<string, string> = {}) {
  const { call } = restApi(worker);
  const { status, body } = await call('PUT', `/connector-plugins/${String(config['connector.class']).split('.').at(-1)}/config/validate`, {
    name: 'a',
    ...config,
  });
  expect(status).toBe(200);
  const infos = body as ConfigInfos;
  const errors = Object.fromEntries(infos.configs.flatMap(({ value }) => (value && value.errors.length > 0 ? [[value.name, value.errors]] : [])));
  const value = (name: string) => infos.configs.find((each) => each.value?.name === name);
  return { infos, errors, value };
}

describe('Validation', () => {
  it('tells keys of the framework, then of the connector, in groups', async () => {
    const { infos, value } = await validate(linesConfig);
    expect(infos).toMatchObject({ name: 'example.LinesSourceConnector', error_count: 0 });
    expect(infos.groups).toEqual(['Common', 'Transforms', 'Predicates', 'Error Handling', 'Topic Creation', 'Exactly Once Support', 'offsets.topic']);
    expect(infos.configs.at(-3)?.definition?.name).toBe('topic');
    expect(value('topic')).toEqual({
      definition: {
        name: 'topic',
        type: 'STRING',
        required: true,
        default_value: null,
        importance: 'HIGH',
        documentation: 'Where lines go.',
        group: null,
        order_in_group: -1,
        width: 'NONE',
        display_name: 'topic',
        dependents: [],
      },
      value: { name: 'topic', value: 'lines', recommended_values: [], errors: [], visible: true },
    });
    expect(value('connector.plugin.version')?.value).toMatchObject({ value: '1.2.0', recommended_values: ['1.2.0'] });
    expect(value('key.converter')?.value).toMatchObject({ value: 'example.TextConverter' });
  });

  it('never shows a password', async () => {
    expect((await validate({ ...linesConfig, secret: 'hunter2' })).value('secret')?.value?.value).toBe('[hidden]');
  });

  it("adds a transformation's own keys, sorted, in a group of its own", async () => {
    const { infos, errors, value } = await validate({ ...linesConfig, transforms: 'w', 'transforms.w.type': 'example.Wrap$Value' });
    expect(infos.configs.map((each) => each.definition?.name).filter((name) => name?.startsWith('transforms.'))).toEqual([
      'transforms.w.type',
      'transforms.w.plugin.version',
      'transforms.w.field',
      'transforms.w.negate',
      'transforms.w.predicate',
      'transforms.w.zone',
    ]);
    expect(value('transforms.w.zone')?.definition).toMatchObject({ group: 'Transforms: w', order_in_group: 5, display_name: 'zone' });
    expect(errors).toEqual({ 'transforms.w.field': ['Missing required configuration "transforms.w.field" which has no default value.'] });
  });

  it.each<[string, Record<string, string>, Record<string, string[]>]>([
    [
      'unknown classes',
      { transforms: 't', 'transforms.t.type': 'no.Such' },
      { 'transforms.t.type': ['Invalid value no.Such for configuration transforms.t.type: Class no.Such could not be found.'] },
    ],
    ['classes of another kind', { 'key.converter': 'Drop' }, { 'key.converter': ['Class class example.Drop does not implement the Converter interface'] }],
    [
      'classes that are only the common part of others',
      { transforms: 't', 'transforms.t.type': 'example.Wrap' },
      { 'transforms.t.type': ['This class is abstract and cannot be created. Did you mean example.Wrap$Key, example.Wrap$Value?'] },
    ],
    [
      'aliases that come twice',
      { transforms: 't, t', 'transforms.t.type': 'Drop' },
      { transforms: ['Invalid value [t, t] for configuration transforms: Duplicate alias provided.'] },
    ],
    [
      'negation without a predicate',
      { transforms: 't', 'transforms.t.type': 'Drop', 'transforms.t.negate': 'true' },
      {
        'transforms.t.type': ["Config 'transforms.t.negate' was provided but there is no config 'transforms.t.predicate' defining a predicate to be negated."],
      },
    ],
    [
      'predicates without a type',
      { predicates: 'p' },
      { 'predicates.p.type': ['Missing required configuration "predicates.p.type" which has no default value.'] },
    ],
    ['what the connector itself refuses', { 'batch.size': '13' }, { 'batch.size': ['13 brings bad luck'] }],
    [
      'transactions that the connector cannot bound',
      { 'transaction.boundary': 'connector' },
      {
        'transaction.boundary': [
          'The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.',
        ],
      },
    ],
    [
      'a wrong trigger',
      { 'sluice.trigger': 'never' },
      { 'sluice.trigger': ['Invalid value never for configuration sluice.trigger: String must be one of: schedule, continuous, event'] },
    ],
    [
      'a misspelt key of ours',
      { 'sluice.shedule': 'rate(1 minute)' },
      { 'sluice.shedule': ["Unknown configuration 'sluice.shedule': no key of this name begins with 'sluice.'"] },
    ],
  ])('reports %s', async (_what, config, expected) => {
    expect((await validate({ ...linesConfig, ...config })).errors).toEqual(expected);
  });

  it.each<[Record<string, string>, Record<string, string[]>]>([
    [{ topics: '' }, { topics: ['Must configure one of topics or topics.regex'], 'topics.regex': ['Must configure one of topics or topics.regex'] }],
    [
      { 'topics.regex': 'a.*' },
      {
        topics: ['topics and topics.regex are mutually exclusive options, but both are set.'],
        'topics.regex': ['topics and topics.regex are mutually exclusive options, but both are set.'],
      },
    ],
    [{ topics: 'a,a' }, { topics: ["Configuration 'topics' values must not be duplicated."] }],
    [
      { 'errors.deadletterqueue.topic.name': 'orders' },
      { topics: ["The DLQ topic 'orders' may not be included in the list of topics ('topics=[orders]') consumed by the connector"] },
    ],
    [{ name: 'cluster' }, { name: ['Consumer group for sink connector named cluster conflicts with Connect worker group connect-cluster'] }],
  ])('checks the topics and the group of a sink: %j', async (config, expected) => {
    expect((await validate({ ...shelfConfig, ...config })).errors).toEqual(expected);
  });

  it('checks a converter that the connector names, with its own keys under its prefix', async () => {
    const { infos, value } = await validate({ ...linesConfig, 'value.converter': 'Text', 'value.converter.encoding': 'latin1' });
    expect(infos.error_count).toBe(0);
    expect(value('value.converter.encoding')).toMatchObject({
      definition: { name: 'value.converter.encoding', display_name: 'encoding' },
      value: { value: 'latin1' },
    });
    expect(value('value.converter.converter.type')?.value?.value).toBe('value');
  });

  it('tells of keys of ours only where they are used', async () => {
    expect((await validate(linesConfig)).infos.configs.some(({ value }) => value?.name.startsWith('sluice.'))).toBe(false);
    const { infos, value } = await validate({ ...linesConfig, 'sluice.schedule': 'rate(5 minutes)' });
    expect(infos.error_count).toBe(0);
    expect(value('sluice.schedule')?.definition?.group).toBe('Sluice');
  });

  it('lets a reference to a config provider pass, and never resolves it', async () => {
    const config = { ...linesConfig, 'tasks.max': '${vault:db:tasks}', 'batch.size': '${vault:db:batch}' };
    const { infos, value } = await validate(config, { 'config.providers': 'vault' });
    expect(infos.error_count).toBe(0);
    expect(value('batch.size')?.value?.value).toBe('${vault:db:batch}');
    expect((await validate(config)).infos.error_count).toBe(3);
  });

  it('lets the worker name its converters by references', async () => {
    const worker = { 'config.providers': 'vault', 'value.converter': '${vault:worker:converter}' };
    const { infos, value } = await validate(linesConfig, worker);
    expect(infos.error_count).toBe(0);
    expect(value('value.converter')?.value?.value).toBe('${vault:worker:converter}');
  });

  it('finds the connector in another version than the one asked for', async () => {
    const { errors } = await validate({ ...linesConfig, 'connector.plugin.version': '[2.0,)' });
    expect(Object.keys(errors)).toEqual(['connector.class', 'connector.plugin.version']);
    expect((await validate({ ...linesConfig, 'connector.plugin.version': '[1.0,2.0)' })).infos.error_count).toBe(0);
  });
});

describe('Overrides of Kafka clients', () => {
  const config = { ...shelfConfig, 'consumer.override.max.poll.records': '5', 'consumer.override.sasl.jaas.config': 'x' };

  it('are told with the definition of the client, passwords hidden', async () => {
    const { value } = await validate(config);
    expect(value('consumer.override.max.poll.records')).toMatchObject({ definition: { type: 'INT', default_value: '500' }, value: { value: '5', errors: [] } });
    expect(value('consumer.override.sasl.jaas.config')?.value?.value).toBe('[hidden]');
  });

  it.each([
    ['All', []],
    ['None', ['max.poll.records', 'sasl.jaas.config']],
    ['org.apache.kafka.connect.connector.policy.PrincipalConnectorClientConfigOverridePolicy', ['max.poll.records']],
    ['Allowlist', ['sasl.jaas.config']],
  ])('are subject to the policy %s', async (policy, refused) => {
    const { errors } = await validate(config, {
      'connector.client.config.override.policy': policy,
      'connector.client.config.override.allowlist': 'max.poll.records',
    });
    expect(Object.keys(errors).sort()).toEqual(refused.map((key) => `consumer.override.${key}`));
    for (const [message] of Object.values(errors))
      expect(message).toMatch(/^The '\w+' policy does not allow '[\w.]+' to be overridden in the connector configuration\.$/);
  });

  it('of a wrong type are an error of the request', async () => {
    const { call } = restApi();
    expect(await call('PUT', '/connectors/a/config', { ...shelfConfig, 'consumer.override.max.poll.records': 'x' })).toEqual({
      status: 400,
      body: { error_code: 400, message: 'Invalid value x for configuration max.poll.records: Not a number of type INT' },
    });
  });
});
