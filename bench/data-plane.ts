import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { findJava } from '../infra/local/services/java.ts';
import type { Answer, Described, Job } from './data-plane/job.ts';
import type { Benchmark, Result } from './report.ts';

const transforms = 'org.apache.kafka.connect.transforms';
const chain: readonly (Described & { readonly name: string })[] = [
  { name: 'MaskField', type: `${transforms}.MaskField$Value`, config: { fields: 'card', replacement: '****' } },
  { name: 'InsertField', type: `${transforms}.InsertField$Value`, config: { 'static.field': 'region', 'static.value': 'eu-central-1' } },
  { name: 'ReplaceField', type: `${transforms}.ReplaceField$Value`, config: { exclude: 'note', renames: 'customer:customer_id' } },
];
const stepNames = ['JsonConverter in', ...chain.map(({ name }) => name), 'JsonConverter out'];
const jsonConverter = 'org.apache.kafka.connect.json.JsonConverter';

/** JsonConverter in, three transformations, JsonConverter out, beside the same classes of Kafka Connect: without Kafka, both warm. */
export const dataPlaneBenchmark: Benchmark = async ({ quick, log, figure }) => {
  const size = quick ? { warmup: 200_000, total: 200_000, rounds: 2 } : { warmup: 600_000, total: 500_000, rounds: 5 };
  const [java, jars] = [await findJava(), await provideArtifacts('connect', log)];
  const program = (file: string) => fileURLToPath(new URL(`data-plane/${file}`, import.meta.url));
  const sides = {
    'kafka-connect': [java, ['-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=off', '-cp', join(jars, '*'), program('DataPlane.java')]],
    sluice: [process.execPath, [program('pipeline.ts')]],
  } as const;
  const results: Result[] = [];
  for (const schemas of [true, false]) {
    const name = schemas ? 'json-schemas' : 'json-schemaless';
    const job: Job = {
      ...size,
      converter: { type: jsonConverter, config: { 'schemas.enable': String(schemas) } },
      transforms: chain,
      records: Array.from({ length: 1000 }, (_, at) => Buffer.from(orderText(at, schemas)).toString('base64')),
    };
    const digests = new Set<string>();
    for (const [system, [command, args]] of Object.entries(sides) as [keyof typeof sides, (typeof sides)[keyof typeof sides]][]) {
      const answer = await ask(command, args, job);
      digests.add(answer.digest);
      for (const [at, round] of answer.rounds.entries()) results.push({ case: name, system, round: at + 1, records: size.total, ...round });
      for (const [at, nanos] of answer.steps.entries()) figure({ case: name, what: `${system}, ${stepNames[at]}`, unit: 'ns a record', values: [nanos] });
      log(
        `${name} ${system}: ${answer.rounds.map(({ cpuSeconds }) => Math.round(size.total / cpuSeconds).toLocaleString('en')).join(', ')} records a CPU second`,
      );
    }
    // What comes out need not have the same order of keys where there is no schema: Java's maps have one of their own.
    if (schemas && digests.size > 1) throw new Error(`${name}: the two sides made different bytes`);
  }
  return results;
};

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

function orderText(at: number, schemas: boolean): string {
  const payload = {
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
  return JSON.stringify(schemas ? { schema, payload } : payload);
}
