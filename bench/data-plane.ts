import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import avsc from 'avsc';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { findJava } from '../infra/local/services/java.ts';
import { TestSchemaRegistry } from '../test/kit/schema-registry.ts';
import type { Answer, Described, Job } from './data-plane/job.ts';
import type { Benchmark, Result } from './report.ts';

const transforms = 'org.apache.kafka.connect.transforms';
const chain: readonly (Described & { readonly name: string })[] = [
  { name: 'MaskField', type: `${transforms}.MaskField$Value`, config: { fields: 'card', replacement: '****' } },
  { name: 'InsertField', type: `${transforms}.InsertField$Value`, config: { 'static.field': 'region', 'static.value': 'eu-central-1' } },
  { name: 'ReplaceField', type: `${transforms}.ReplaceField$Value`, config: { exclude: 'note', renames: 'customer:customer_id' } },
];
const jsonConverter = 'org.apache.kafka.connect.json.JsonConverter';
const avroConverter = 'io.confluent.connect.avro.AvroConverter';

/** A converter in, three transformations, the converter out, beside the same classes in Java: without Kafka, both warm. */
export const dataPlaneBenchmark: Benchmark = async ({ quick, log, figure }) => {
  const size = quick ? { warmup: 200_000, total: 200_000, rounds: 2 } : { warmup: 600_000, total: 500_000, rounds: 5 };
  const [java, connect, avro] = [await findJava(), await provideArtifacts('connect', log), await provideArtifacts('avro', log)];
  const program = (file: string) => fileURLToPath(new URL(`data-plane/${file}`, import.meta.url));
  const classPath = [connect, avro].map((jars) => join(jars, '*')).join(':');
  const sides = {
    'kafka-connect': [java, ['-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', classPath, program('DataPlane.java')]],
    sluice: [process.execPath, [program('pipeline.ts')]],
  } as const;
  const registry = await TestSchemaRegistry.start();
  const results: Result[] = [];
  try {
    for (const [name, job] of Object.entries(jobs(registry, size))) {
      const digests = new Set<string>();
      const label = job.converter.type.slice(job.converter.type.lastIndexOf('.') + 1);
      const steps = [`${label} in`, ...chain.map((each) => each.name), `${label} out`];
      for (const [system, [command, args]] of Object.entries(sides) as [keyof typeof sides, (typeof sides)[keyof typeof sides]][]) {
        const answer = await ask(command, args, job);
        digests.add(answer.digest);
        for (const [at, round] of answer.rounds.entries()) results.push({ case: name, system, round: at + 1, records: size.total, ...round });
        for (const [at, nanos] of answer.steps.entries()) figure({ case: name, what: `${system}, ${steps[at]}`, unit: 'ns a record', values: [nanos] });
        log(
          `${name} ${system}: ${answer.rounds.map(({ cpuSeconds }) => Math.round(size.total / cpuSeconds).toLocaleString('en')).join(', ')} records a CPU second`,
        );
      }
      // Without a schema the order of keys may differ: Java's maps have one of their own.
      if (name !== 'json-schemaless' && digests.size > 1) throw new Error(`${name}: the two sides made different bytes`);
    }
  } finally {
    await registry.stop();
  }
  return results;
};

function jobs(registry: TestSchemaRegistry, size: Pick<Job, 'warmup' | 'total' | 'rounds'>): Record<string, Job> {
  const json = (schemas: boolean): Job => ({
    ...size,
    converter: { type: jsonConverter, config: { 'schemas.enable': String(schemas) } },
    transforms: chain,
    headerLength: 0,
    records: Array.from({ length: 1000 }, (_, at) => Buffer.from(JSON.stringify(schemas ? { schema, payload: order(at) } : order(at))).toString('base64')),
  });
  const type = avsc.Type.forSchema(avroSchema as avsc.Schema, { wrapUnions: true });
  const header = Buffer.alloc(5);
  header.writeInt32BE(registry.register('orders-value', JSON.stringify(avroSchema)), 1);
  const avroValue = (at: number) => {
    const { card, note, address, ...rest } = order(at);
    return { ...rest, card: { string: card }, note: note === null ? null : { string: note }, address: { Address: address } };
  };
  return {
    'json-schemas': json(true),
    'json-schemaless': json(false),
    avro: {
      ...size,
      converter: { type: avroConverter, config: { 'schema.registry.url': registry.url } },
      transforms: chain,
      avroSchema: JSON.stringify(avroSchema),
      headerLength: 5,
      records: Array.from({ length: 1000 }, (_, at) => Buffer.concat([header, type.toBuffer(avroValue(at))]).toString('base64')),
    },
  };
}

/** Runs one side in a fresh process. */
async function ask(command: string, args: readonly string[], job: Job): Promise<Answer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(`${JSON.stringify(job)}\n`);
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as Answer;
  throw new Error(`${command} ended without an answer`);
}

const fields = [
  { field: 'id', type: 'int64', optional: false },
  { field: 'customer', type: 'string', optional: false },
  { field: 'card', type: 'string', optional: true },
  { field: 'amount', type: 'double', optional: false },
  { field: 'quantity', type: 'int32', optional: false },
  { field: 'paid', type: 'boolean', optional: false },
  { field: 'note', type: 'string', optional: true },
  { field: 'placed', type: 'int64', optional: false, name: 'org.apache.kafka.connect.data.Timestamp', version: 1 },
  { field: 'tags', type: 'array', items: { type: 'string', optional: false }, optional: false },
  {
    field: 'address',
    type: 'struct',
    optional: true,
    name: 'Address',
    fields: [
      { field: 'street', type: 'string', optional: false },
      { field: 'city', type: 'string', optional: false },
      { field: 'zip', type: 'string', optional: false },
    ],
  },
];
const schema = { type: 'struct', name: 'Order', optional: false, fields };

const avroSchema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'customer', type: 'string' },
    { name: 'card', type: ['null', 'string'], default: null },
    { name: 'amount', type: 'double' },
    { name: 'quantity', type: 'int' },
    { name: 'paid', type: 'boolean' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'placed', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    {
      name: 'address',
      type: ['null', { type: 'record', name: 'Address', fields: ['street', 'city', 'zip'].map((name) => ({ name, type: 'string' })) }],
      default: null,
    },
  ],
};

function order(at: number) {
  return {
    id: 1_000_000 + at,
    customer: `customer-${at * 7}`,
    card: '4111111111111111',
    amount: at * 1.25 + 0.5,
    quantity: at % 9,
    paid: at % 2 === 0,
    note: at % 3 === 0 ? null : `please leave it at the door no. ${at}`,
    placed: 1_700_000_000_000 + at * 977,
    tags: ['new', `batch-${at % 10}`],
    address: { street: `${at} Main Street`, city: 'Zürich', zip: String(8000 + (at % 100)) },
  };
}
