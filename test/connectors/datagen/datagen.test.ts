import { describe, expect, test } from 'vitest';
import { type Decimal, Schema } from '../../../shared/connect/index.ts';
import { parseAvroSchema } from '../../../shared/connectors/datagen/avro-schema.ts';
import { generatorOf } from '../../../shared/connectors/datagen/generator.ts';
import { JavaRandom } from '../../../shared/connectors/datagen/java-random.ts';
import { quickstarts } from '../../../shared/connectors/datagen/quickstarts.ts';
import { regexText } from '../../../shared/connectors/datagen/regex-text.ts';
import { datagenSource } from '../../../shared/connectors/datagen/source.ts';
import { MemoryOffsets } from '../../kit/contexts.ts';
import { SourceRun, sourceConnectorContract } from '../../kit/source-connector.ts';

const config = (more: Record<string, string>) => ({ 'kafka.topic': 't', 'max.interval': '0', 'random.seed': '-9007199254740993', ...more });

describe('the contract of a source', () => {
  sourceConnectorContract({
    definition: datagenSource,
    records: 12,
    endless: true,
    setUp: () => config({ quickstart: 'Orders', 'max.interval': '300' }),
  });
});

describe('JavaRandom', () => {
  test('gives the numbers of java.util.Random', () => {
    expect(new JavaRandom(42n).nextLong()).toBe(-5025562857975149833n);
    expect(new JavaRandom(42n).nextDouble()).toBe(0.7275636800328681);
    const negative = new JavaRandom(-1n);
    expect(Array.from({ length: 3 }, () => negative.nextDouble()).every((each) => each >= 0 && each < 1)).toBe(true);
  });
});

describe('data sets', () => {
  test.each(Object.keys(quickstarts))('%s', async (quickstart) => {
    const run = await SourceRun.start(datagenSource, config({ quickstart }));
    const records = await run.poll();
    expect(records).toHaveLength(500);
    const { keyField } = quickstarts[quickstart] as { keyField: string };
    for (const { key, keySchema, value, valueSchema } of records) {
      const record = value as Record<string, unknown>;
      expect(key).toBe(record[keyField]);
      expect(keySchema).toBe(valueSchema?.field(keyField)?.schema);
      expect(Object.keys(record)).toEqual(valueSchema?.fields.map(({ name }) => name));
    }
  });

  test('orders look as they do in the field', async () => {
    const run = await SourceRun.start(datagenSource, config({ quickstart: 'orders' }));
    const records = await run.poll();
    for (const [at, { value, valueSchema, headers, sourcePartition, sourceOffset }] of records.entries()) {
      const order = value as {
        ordertime: bigint;
        orderid: number;
        itemid: string;
        orderunits: number;
        address: { city: string; state: string; zipcode: bigint };
      };
      expect(order.orderid).toBe(at);
      expect(order.ordertime).toBeGreaterThanOrEqual(1487715775521n);
      expect(order.ordertime).toBeLessThan(1519273364600n);
      expect(order.itemid).toMatch(/^Item_[1-9][0-9]{0,2}$/);
      expect(order.address.city).toMatch(/^City_[1-9]{0,2}$/);
      expect(valueSchema?.name).toBe('ksql.orders');
      expect(valueSchema?.field('address')?.schema.name).toBe('ksql.address');
      expect(headers.map(({ key, value: header }) => [key, header])).toEqual([
        ['task.generation', 0n],
        ['task.id', 0n],
        ['current.iteration', BigInt(at)],
      ]);
      expect(sourcePartition).toEqual({ 'task.id': 0 });
      expect(sourceOffset).toEqual({ 'task.generation': 1, 'current.iteration': at + 1, 'random.seed': expect.any(BigInt) });
    }
  });
});

describe('the sequence', () => {
  test('is the same for the same seed, another for another task', async () => {
    const values = async (task: number) =>
      (await (await SourceRun.start(datagenSource, config({ quickstart: 'users' }), { task, maxTasks: 2 })).poll()).map(({ value }) => value);
    expect(await values(0)).toEqual(await values(0));
    expect(await values(0)).not.toEqual(await values(1));
  });

  test('ends the task after its iterations, once all are stored, and stays ended', async () => {
    const offsets = new MemoryOffsets();
    const settings = config({ quickstart: 'users', iterations: '3' });
    const run = await SourceRun.start(datagenSource, settings, { offsets });
    expect(await run.drain()).toHaveLength(3);
    const message = 'Stopping connector: generated the configured 3 number of messages';
    await expect(run.commit()).rejects.toThrow(message);
    await expect((await SourceRun.start(datagenSource, settings, { offsets })).poll()).rejects.toThrow(message);
  });

  test('pauses no longer than max.interval, whatever a single poll waits', async () => {
    const run = await SourceRun.start(datagenSource, config({ quickstart: 'users', 'max.interval': '5000' }));
    expect(await run.drain({ most: 20, empty: 10 })).toHaveLength(20);
    expect(run.context.clock.slept).toBeGreaterThan(0);
    expect(run.context.clock.slept).toBeLessThanOrEqual(20 * 5000);
  });
});

describe('arg.properties', () => {
  const maker = (type: unknown) => generatorOf(parseAvroSchema(JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'f', type }] })));
  const one = (type: unknown, iteration = 0) => (maker(type)(new JavaRandom(1n), iteration) as { f: unknown }).f;
  const many = (type: unknown) => {
    const make = maker(type);
    const random = new JavaRandom(1n);
    return Array.from({ length: 200 }, (_, at) => (make(random, at) as { f: unknown }).f);
  };

  test.each([
    ['counts up', { start: 5 }, [5, 6, 7, 8]],
    ['in steps', { start: 0, step: 10 }, [0, 10, 20, 30]],
    ['back to the start', { start: 1, restart: 3 }, [1, 2, 1, 2]],
    ['down', { start: 3, restart: 0 }, [3, 2, 1, 3]],
    ['from an initial value', { start: 0, restart: 4, initial: 2 }, [2, 3, 0, 1]],
  ])('iteration %s', (_, iteration, expected) => {
    expect([0, 1, 2, 3].map((at) => one({ type: 'int', 'arg.properties': { iteration } }, at))).toEqual(expected);
  });

  test('range, options, length, regex, odds', () => {
    expect(many({ type: 'int', 'arg.properties': { range: { min: -2, max: 2 } } }).every((each) => [-2, -1, 0, 1].includes(each as number))).toBe(true);
    expect(new Set(many({ type: 'string', 'arg.properties': { options: ['a', 'b'] } }))).toEqual(new Set(['a', 'b']));
    expect(new Set(many({ type: 'string', 'arg.properties': { length: { min: 2, max: 4 } } }).map((each) => (each as string).length))).toEqual(new Set([2, 3]));
    expect(many({ type: 'string', 'arg.properties': { length: 5, prefix: '<', suffix: '>' } }).every((each) => /^<[ -~]{5}>$/.test(each as string))).toBe(true);
    expect(new Set(many({ type: 'boolean', 'arg.properties': { odds: 1 } }))).toEqual(new Set([true]));
    const price = one({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2, 'arg.properties': { range: { min: 10, max: 11 } } }) as Decimal;
    expect(price.scale).toBe(2);
    expect(Number(price.toPlainString())).toBeGreaterThanOrEqual(10);
  });

  test.each(['User_[1-9]', '[a-zA-Z]{5,15}', '(ab|c\\.)+x?', '[^a-y]\\d{3}', 'a{2,}', '.{3}'])('the regex %s matches what it makes', (regex) => {
    const make = regexText(regex);
    const random = new JavaRandom(3n);
    const pattern = new RegExp(`^(?:${regex})$`);
    for (let i = 0; i < 200; i++) expect(make(random)).toMatch(pattern);
  });

  test.each(['(?=a)b', 'a{3,1}', '[z', '*a', '\\p{L}'])('the regex %s is refused', (regex) => {
    expect(() => regexText(regex)).toThrow(/cannot be used/);
  });

  test('a union with null is optional, and is null now and then', async () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'f', type: ['null', 'string'] }] };
    const run = await SourceRun.start(datagenSource, config({ 'schema.string': JSON.stringify(schema) }));
    const records = await run.poll();
    expect(records[0]?.valueSchema?.field('f')?.schema).toEqual(Schema.OPTIONAL_STRING_SCHEMA);
    expect(new Set(records.map(({ value }) => typeof (value as { f: unknown }).f))).toEqual(new Set(['object', 'string']));
    expect(records[0]?.key).toBeNull();
  });
});

describe('validation', () => {
  const errors = async (more: Record<string, string>) => {
    const rawConfig = config(more);
    const messages: Record<string, string[]> = {};
    const value = (name: string) => {
      const errorMessages: string[] = [];
      messages[name] = errorMessages;
      return { name, value: null, recommendedValues: [], visible: true, errorMessages };
    };
    await datagenSource.validate?.({ rawConfig, config: datagenSource.config.parse(rawConfig), value });
    return messages;
  };

  test('wants exactly one schema, one that can be read, and a key that is in it', async () => {
    const message = 'Must set exactly one of schema.string, schema.filename, quickstart';
    expect(await errors({})).toEqual({ 'schema.string': [message], 'schema.filename': [message], quickstart: [message] });
    expect(await errors({ quickstart: 'users', 'schema.filename': 'x' })).toEqual({ 'schema.filename': [message], quickstart: [message] });
    expect(await errors({ 'schema.string': '{"type":"record"' })).toEqual({
      'schema.string': [expect.stringMatching(/^Invalid value for configuration schema.string: Unable to parse the provided schema/)],
    });
    expect(await errors({ 'schema.filename': '/no/such' })).toEqual({
      'schema.filename': [expect.stringMatching(/^Invalid value for configuration schema.filename: Unable to find the schema file/)],
    });
    expect(await errors({ quickstart: 'users', 'schema.keyfield': 'no' })).toEqual({
      'schema.keyfield': ["The schema does not contain the field provided in 'schema.keyfield'"],
    });
    expect(await errors({ quickstart: 'USERS' })).toEqual({});
    expect(() => datagenSource.config.parse(config({ quickstart: 'nothing' }))).toThrow(/quickstart must be one out of users,/);
  });
});
