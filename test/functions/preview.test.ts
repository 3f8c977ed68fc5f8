import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resultOf } from '../../functions/rest-api/http.ts';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { sluice } from '../../infra/cli/main.ts';
import { offlineHerder } from '../kit/offline-herder.ts';

const transforms = 'org.apache.kafka.connect.transforms';
const text = 'org.apache.kafka.connect.storage.StringConverter';
const json = 'org.apache.kafka.connect.json.JsonConverter';
const sink = {
  'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  'key.converter': text,
  'value.converter': json,
  'value.converter.schemas.enable': 'false',
};
const source = { ...sink, 'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector' };

const quietLogger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
const herder = offlineHerder(quietLogger);

async function post(body: string): Promise<{ status: number; body: Record<string, unknown>; text: string }> {
  const request = { method: 'POST', path: '/connector-plugins/preview', query: new URLSearchParams(), headers: { 'content-type': 'application/json' }, body };
  const { statusCode, body: sent } = resultOf(await answer(request, { herder, logger: quietLogger }));
  return { status: Number(statusCode), body: JSON.parse(String(sent)), text: String(sent) };
}

const previewed = async (config: Record<string, string>, ...records: object[]) => (await post(JSON.stringify({ config, records }))).body;

describe('POST /connector-plugins/preview', () => {
  test('tells what each step of a sink makes of a record', async () => {
    const config = {
      ...sink,
      transforms: 'mask,route',
      'transforms.mask.type': `${transforms}.MaskField$Value`,
      'transforms.mask.fields': 'card',
      'transforms.route.type': `${transforms}.RegexRouter`,
      'transforms.route.regex': 'shop[.](.*)',
      'transforms.route.replacement': '$1',
      'transforms.route.predicate': 'p',
      predicates: 'p',
      'predicates.p.type': `${transforms}.predicates.TopicNameMatches`,
      'predicates.p.pattern': 'shop[.].*',
    };
    const record = {
      topic: 'shop.orders',
      key: 'k',
      value: { id: 1, card: '4111' },
      headers: [{ key: 'h', value: '7' }],
      timestamp: 1700000000000,
      partition: 2,
    };
    const { type, records } = await previewed(config, record, { topic: 'other', value: { card: 'x' } });
    expect(type).toBe('sink');
    const [one, other] = records as { outcome: string; steps: Record<string, unknown>[]; result: Record<string, unknown> }[];
    expect(one?.steps.map(({ step, stage, changed }) => [step, stage, changed])).toEqual([
      ['key.converter', 'KEY_CONVERTER', true],
      ['value.converter', 'VALUE_CONVERTER', true],
      ['header.converter', 'HEADER_CONVERTER', true],
      ['transforms.mask', 'TRANSFORMATION', true],
      ['transforms.route', 'TRANSFORMATION', true],
    ]);
    expect(one?.steps[1]).toMatchObject({ class: json, before: { text: '{"id":1,"card":"4111"}' }, after: { schema: null, value: { id: 1, card: '4111' } } });
    expect(one).toMatchObject({
      outcome: 'delivered',
      result: {
        topic: 'orders',
        partition: 2,
        timestamp: 1700000000000,
        key: { schema: { type: 'string', optional: true }, value: 'k' },
        value: { value: { id: 1, card: '' } },
        headers: [{ key: 'h', schema: { type: 'int8', optional: false }, value: 7 }],
      },
    });
    // The predicate does not match.
    expect(other?.steps.at(-1)).toMatchObject({ step: 'transforms.route', changed: false });
  });

  test('tells what a source writes to Kafka, with schemas where they are given', async () => {
    const config = {
      ...source,
      'value.converter.schemas.enable': 'true',
      transforms: 'key',
      'transforms.key.type': `${transforms}.ValueToKey`,
      'transforms.key.fields': 'id',
      'key.converter': json,
      'key.converter.schemas.enable': 'false',
    };
    const value_schema = { type: 'struct', optional: false, fields: [{ field: 'id', type: 'int64', optional: false }] };
    const answered = await post(
      `{"config":${JSON.stringify(config)},"records":[{"topic":"t","value":{"id":9007199254740993},"value_schema":${JSON.stringify(value_schema)}}]}`,
    );
    expect(answered.body['type']).toBe('source');
    // To the last digit.
    expect(answered.text).toContain('"after":{"topic":"t","partition":null,"timestamp":null,"key":{"schema":{"type":"struct"');
    expect(answered.text).toContain('"value":{"id":9007199254740993}');
    const [{ result }] = answered.body['records'] as [{ result: { key: unknown; value: { text: string } } }];
    expect(result.key).toEqual({ text: '{"id":9007199254740993}' });
    expect(result.value.text).toMatch(/^\{"schema":\{"type":"struct".*"payload":\{"id":9007199254740993\}\}$/);
  });

  test('tells where a record falls, and goes on with the next', async () => {
    const config = { ...sink, transforms: 'cast', 'transforms.cast.type': `${transforms}.Cast$Value`, 'transforms.cast.spec': 'n:int32' };
    const { records } = await previewed(config, { topic: 't', value: '{"n":' }, { topic: 't', value: { n: 'x' } }, { topic: 't', value: { n: '5' } });
    const [syntax, cast, fine] = records as { outcome: string; steps: { error?: { class: string; message: string; causes: unknown[] }; step: string }[] }[];
    expect(syntax).toMatchObject({ outcome: 'failed', result: null });
    expect(syntax?.steps.at(-1)).toMatchObject({
      step: 'value.converter',
      error: {
        class: 'org.apache.kafka.connect.errors.DataException',
        causes: [{ class: 'org.apache.kafka.common.errors.SerializationException' }, { class: 'com.fasterxml.jackson.core.io.JsonEOFException' }],
      },
    });
    expect(cast?.steps.at(-1)).toMatchObject({ step: 'transforms.cast', error: { class: 'org.apache.kafka.connect.errors.DataException' } });
    expect(fine?.outcome).toBe('delivered');
  });

  test('a record that is dropped ends there', async () => {
    const config = {
      ...sink,
      transforms: 'drop,mask',
      'transforms.drop.type': `${transforms}.Filter`,
      'transforms.mask.type': `${transforms}.MaskField$Value`,
      'transforms.mask.fields': 'a',
    };
    expect(await previewed(config, { topic: 't', value: { a: 1 } })).toMatchObject({
      records: [{ outcome: 'dropped', result: null, steps: [{}, {}, { step: 'transforms.drop', after: null }] }],
    });
  });

  test('bytes that are no text are base64, both ways', async () => {
    const config = { ...sink, 'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter' };
    expect(await previewed(config, { topic: 't', value_base64: '/wA=' })).toMatchObject({
      records: [{ steps: [{}, { before: { base64: '/wA=' }, after: { schema: { type: 'bytes' }, value: '/wA=' } }] }],
    });
  });

  test('references to config providers stay as they are', async () => {
    const config = {
      ...sink,
      transforms: 'i',
      'transforms.i.type': `${transforms}.InsertField$Value`,
      'transforms.i.static.field': 's',
      'transforms.i.static.value': '${secrets:db:password}',
    };
    expect(await previewed(config, { topic: 't', value: {} })).toMatchObject({ records: [{ result: { value: { value: { s: '${secrets:db:password}' } } } }] });
  });

  test.each([
    ['{', /^The body of the request is not JSON/],
    ['{"config":{},"records":{}}', /^Expected "records" as a list/],
    ['{"config":{},"records":[],"more":1}', /^Unrecognized field "more"/],
    ['{"config":{},"records":[]}', /connector\.class/],
    [JSON.stringify({ config: { ...sink, 'connector.class': 'Nope' }, records: [] }), /Failed to find any class that implements Connector/],
    [JSON.stringify({ config: { ...sink, transforms: 'a' }, records: [] }), /transforms\.a\.type/],
    [JSON.stringify({ config: { ...sink, 'value.converter.schemas.enable': 'maybe' }, records: [] }), /schemas\.enable/],
    [JSON.stringify({ config: sink, records: [{ value: 1 }] }), /^Record 1: expected "topic" as a text/],
    [JSON.stringify({ config: sink, records: [{ topic: 't', vlaue: 1 }] }), /^Record 1: unrecognized field "vlaue"/],
    [JSON.stringify({ config: sink, records: [{ topic: 't', partition: -1 }] }), /^Record 1: expected "partition" as a whole number/],
    [JSON.stringify({ config: sink, records: [{ topic: 't', headers: [{ value: 1 }] }] }), /^Record 1, header 1: expected "key" as a text/],
    [JSON.stringify({ config: sink, records: [{ topic: 't', value: 1, value_base64: 'AA==' }] }), /^Record 1: expected either "value" or "value_base64"/],
  ])('refuses %s', async (body, message) => {
    const { status, body: told } = await post(body);
    expect([status, told['message']]).toEqual([400, expect.stringMatching(message)]);
  });
});

describe('npm run sluice -- preview', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-preview-'));
    process.env['PREVIEW_SECRET'] = 'correct horse battery staple';
    const provider =
      `key.converter=${text}\nvalue.converter=${text}\n` +
      'config.providers=env\nconfig.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\n';
    await writeFile(join(folder, 'worker.properties'), provider);
    const spec = { ...sink, transforms: 'i', 'transforms.i.type': `${transforms}.InsertField$Value`, 'transforms.i.static.field': 's' };
    await writeFile(join(folder, 'spec.json'), JSON.stringify({ name: 'p', config: { ...spec, 'transforms.i.static.value': '${env:PREVIEW_SECRET}' } }));
    await writeFile(join(folder, 'records.jsonl'), '{"topic":"t","key":"k","value":{"n":1.0}}\n\n{"topic":"t","value":"{"}\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = async (...args: string[]) => {
    const [said, complained]: [string[], string[]] = [[], []];
    const code = await sluice(
      ['preview', ...args.map((each) => (/^(spec|records|worker)/.test(each) ? join(folder, each) : each))],
      process.env,
      (line) => said.push(line),
      (line) => complained.push(line),
    );
    return { code, said: said.join('\n'), complained: complained.join('\n') };
  };

  test('prints each step, resolves references and shows none of what they stand for', async () => {
    const { code, said, complained } = await run('spec.json', 'records.jsonl', '--worker', 'worker.properties');
    expect([code, complained]).toEqual([1, '']);
    expect(said).toContain('Record 1: delivered');
    expect(said).toContain('value + {"n":1.0,"s":"${env:PREVIEW_SECRET}"}');
    expect(said).not.toContain('battery');
    expect(said).toContain('Record 2: failed');
    expect(said).toContain('failed org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: ');
  });

  test('--json prints the answer of the REST API', async () => {
    const { said } = await run('spec.json', 'records.jsonl', '--json');
    expect(JSON.parse(said)).toMatchObject({ type: 'sink', records: [{ outcome: 'delivered' }, { outcome: 'failed' }] });
  });

  test('says what is wrong with its files', async () => {
    expect(await run('spec.json')).toMatchObject({ code: 2, complained: expect.stringContaining('Name one spec file and one file of records') });
    expect(await run('spec.json', 'records.none')).toMatchObject({ code: 2, complained: expect.stringContaining('cannot be read') });
    await writeFile(join(folder, 'records.bad'), '{"topic":');
    expect(await run('spec.json', 'records.bad')).toMatchObject({
      code: 2,
      complained: expect.stringContaining('neither a JSON list of records nor a record a line'),
    });
  });
});
