import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateRegistryCommand, CreateSchemaCommand, GetSchemaCommand, GetSchemaVersionCommand, GlueClient } from '@aws-sdk/client-glue';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Schema, struct } from '../../shared/connect/index.ts';
import { glueAvroConverter } from '../../shared/converters/schema-registry/glue/glue-avro-converter.ts';
import { failure, read, write } from '../converters/schema-registry/registry-converters.ts';
import { type Moto, provideMoto, startMoto } from './moto.ts';

const reason = await provideMoto();
if (reason !== null) console.warn(`The Glue Schema Registry is not tested: ${reason}`);

describe.skipIf(reason !== null)('AWSKafkaAvroConverter', () => {
  let folder: string;
  let moto: Moto;
  let glue: GlueClient;
  const saved = { ...process.env };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-glue-'));
    moto = await startMoto(join(folder, 'moto.log'));
    Object.assign(process.env, moto.env);
    glue = new GlueClient({});
    await glue.send(new CreateRegistryCommand({ RegistryName: 'orders' }));
  }, 60_000);
  afterAll(async () => {
    glue?.destroy();
    await moto?.stop();
    process.env = saved;
    await rm(folder, { recursive: true, force: true });
  });

  const converter = (config: Record<string, string> = {}) =>
    glueAvroConverter.create({ region: 'us-east-1', 'registry.name': 'orders', schemaAutoRegistrationEnabled: 'true', ...config }, false);
  const order = struct({ id: Schema.INT64_SCHEMA, note: Schema.OPTIONAL_STRING_SCHEMA }, { name: 'com.example.Order' });

  test('registers the schema under the topic, and reads what it wrote', async () => {
    const one = converter();
    const bytes = (await write(one, 'shop.orders', order, { id: 7n, note: 'x' })) as Buffer;
    expect(bytes.toString('hex', 0, 2)).toBe('0300');
    expect(bytes.toString('hex', 18)).toBe('0e020278');
    const uuid = bytes.toString('hex', 2, 18).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const { SchemaDefinition, DataFormat } = await glue.send(new GetSchemaVersionCommand({ SchemaVersionId: uuid }));
    expect(DataFormat).toBe('AVRO');
    expect(JSON.parse(SchemaDefinition as string)).toMatchObject({
      type: 'record',
      name: 'Order',
      namespace: 'com.example',
      'connect.name': 'com.example.Order',
    });
    const { Compatibility } = await glue.send(new GetSchemaCommand({ SchemaId: { RegistryName: 'orders', SchemaName: 'shop.orders' } }));
    expect(Compatibility).toBe('BACKWARD');
    const back = await read(converter(), 'shop.orders', bytes);
    expect(back.value).toEqual({ id: 7n, note: 'x' });
    expect(back.schema).toMatchObject({ name: 'com.example.Order', version: null });
  });

  test('a schema that has changed is another version of it; the same one is not registered again', async () => {
    const wider = struct({ id: Schema.INT64_SCHEMA, note: Schema.OPTIONAL_STRING_SCHEMA, more: Schema.OPTIONAL_INT32_SCHEMA }, { name: 'com.example.Order' });
    const [first, second] = [await write(converter(), 'versions', order, { id: 1n }), await write(converter(), 'versions', wider, { id: 1n, more: 2 })];
    const again = await write(converter(), 'versions', order, { id: 1n });
    expect(again).toEqual(first);
    const { LatestSchemaVersion } = await glue.send(new GetSchemaCommand({ SchemaId: { RegistryName: 'orders', SchemaName: 'versions' } }));
    expect(LatestSchemaVersion).toBe(2);
    expect((await read(converter(), 'versions', second)).value).toEqual({ id: 1n, note: null, more: 2 });
  });

  test('schemaName names it, descriptions and compatibility go with it, ZLIB compresses', async () => {
    const one = converter({ schemaName: 'mine', compatibility: 'full', description: 'of the shop', compression: 'zlib' });
    const text = 'x'.repeat(1000);
    const bytes = (await write(one, 'other', order, { id: 7n, note: text })) as Buffer;
    expect(bytes.toString('hex', 0, 2)).toBe('0305');
    expect(bytes.length).toBeLessThan(100);
    expect(await glue.send(new GetSchemaCommand({ SchemaId: { RegistryName: 'orders', SchemaName: 'mine' } }))).toMatchObject({
      Compatibility: 'FULL',
      Description: 'of the shop',
    });
    expect((await read(converter(), 'other', bytes)).value).toEqual({ id: 7n, note: text });
  });

  test('names that Connect has no word for are in Amazon’s namespace', async () => {
    const bytes = (await write(converter(), 'unnamed', struct({ a: Schema.INT32_SCHEMA }), { a: 1 })) as Buffer;
    const uuid = bytes.toString('hex', 2, 18).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const { SchemaDefinition } = await glue.send(new GetSchemaVersionCommand({ SchemaVersionId: uuid }));
    expect(JSON.parse(SchemaDefinition as string)).toMatchObject({
      name: 'ConnectDefault',
      namespace: 'com.amazonaws.services.schemaregistry.kafkaconnect.avrodata',
    });
    const loose = await write(converter(), 'loose', null, new Map([['a', 1]]));
    expect((await read(converter(), 'loose', loose)).value).toEqual(new Map([['a', 1]]));
  });

  test('without registration a schema must be there; what is wrong with a record is told', async () => {
    const strict = converter({ schemaAutoRegistrationEnabled: 'false' });
    expect((await failure(write(strict, 'nowhere', order, { id: 1n }))).slice(0, 2)).toEqual([
      'Converting Kafka Connect data to byte[] failed due to serialization error: ',
      'Failed to auto-register schema. Auto registration of schema is not enabled.',
    ]);
    expect(await failure(read(strict, 'nowhere', Buffer.from('plain text, long enough')))).toEqual([
      'Converting byte[] to Kafka Connect data failed due to serialization error: ',
      'Invalid schema registry header version byte in data',
    ]);
    expect((await failure(read(strict, 'nowhere', Buffer.concat([Buffer.from([3, 7]), Buffer.alloc(20)]))))[1]).toBe(
      'Invalid schema registry compression byte in data',
    );
    expect((await failure(read(strict, 'nowhere', Buffer.concat([Buffer.from([3, 0]), Buffer.alloc(20)]))))[1]).toBe(
      'Failed to get schema version Id = 00000000-0000-0000-0000-000000000000',
    );
    const bytes = (await write(converter(), 'cut', order, { id: 1n, note: 'abc' })) as Buffer;
    expect((await failure(read(strict, 'cut', bytes.subarray(0, bytes.length - 1))))[0]).toBe(
      'Converting byte[] to Kafka Connect data failed due to serialization error: ',
    );
    expect(await write(strict, 'nowhere', null, null)).toBeNull();
    expect((await read(strict, 'nowhere', null)).value).toBeNull();
  });

  test('a schema of another format is refused by its name', async () => {
    const created = await glue.send(
      new CreateSchemaCommand({
        RegistryId: { RegistryName: 'orders' },
        SchemaName: 'json',
        DataFormat: 'JSON',
        Compatibility: 'NONE',
        SchemaDefinition: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}',
      }),
    );
    const bytes = Buffer.concat([Buffer.from([3, 0]), Buffer.from((created.SchemaVersionId as string).replaceAll('-', ''), 'hex'), Buffer.from('{}')]);
    expect((await failure(read(converter(), 'json', bytes))).at(-1)).toBe('The schema is of format JSON, not AVRO');
  });

  test('a registry that is away is no fault of the record', async () => {
    const away = converter({ endpoint: 'http://127.0.0.1:9' });
    expect((await failure(write(away, 'away', order, { id: 1n })))[0]).toMatch(/^The Glue Schema Registry cannot be reached now/);
  });

  test.each([
    [{ secondaryDeserializer: 'x.Y' }, 'secondaryDeserializer is not supported'],
    [{ assumeRoleArn: 'arn:aws:iam::1:role/r' }, 'assumeRoleArn is not supported'],
    [{ compression: 'SNAPPY' }, 'Invalid value SNAPPY for configuration compression'],
    [{ compatibility: 'SOMETIMES' }, 'Invalid value SOMETIMES for configuration compatibility'],
  ])('%o is refused', (config, message) => {
    expect(() => converter(config as Record<string, string>)).toThrow(message);
  });
});
