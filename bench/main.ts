import { parseArgs } from 'node:util';
import { type Benchmark, type Figure, printReport } from './report.ts';

/** Benchmarks by name; each is one module that measures us and a peer in one run. */
const benchmarks: Readonly<Record<string, { summary: string; load: () => Promise<Benchmark> }>> = {
  file: {
    summary: 'FileStreamSource into Kafka and FileStreamSink out of it, beside Apache Kafka Connect',
    load: async () => (await import('./file.ts')).fileBenchmark,
  },
  'first-record': {
    summary: 'From the POST of a connector to its first record in Kafka, beside Apache Kafka Connect',
    load: async () => (await import('./first-record.ts')).firstRecordBenchmark,
  },
  kafka: {
    summary: 'Our Kafka reader and producer, beside Java’s ConsumerPerformance and ProducerPerformance',
    load: async () => (await import('./kafka.ts')).kafkaBenchmark,
  },
  'cold-start': {
    summary: 'Sizes of the functions, their import, and a task function’s time to its first fetch, in fresh processes',
    load: async () => (await import('./cold-start.ts')).coldStartBenchmark,
  },
  'data-plane': {
    summary: 'JsonConverter or AvroConverter in, three transformations, the converter out, beside the same classes in Java',
    load: async () => (await import('./data-plane.ts')).dataPlaneBenchmark,
  },
  rest: {
    summary: 'The REST API and the controller’s tick with 1,000 connectors of four tasks stored, beside Apache Kafka Connect',
    load: async () => (await import('./rest.ts')).restBenchmark,
  },
  jdbc: {
    summary: 'JDBC sink into PostgreSQL with upsert, beside Apache Kafka Connect with Debezium’s JDBC sink',
    load: async () => (await import('./jdbc.ts')).jdbcBenchmark,
  },
};

const { values, positionals } = parseArgs({ allowPositionals: true, options: { quick: { type: 'boolean', default: false } } });
const [name] = positionals;
const chosen = name === undefined ? undefined : benchmarks[name];
if (chosen === undefined) {
  if (name !== undefined) console.error(`There is no benchmark "${name}".`);
  console.log('npm run bench -- NAME [--quick]\n');
  for (const [each, { summary }] of Object.entries(benchmarks)) console.log(`  ${each.padEnd(12)} ${summary}`);
  process.exit(name === undefined ? 0 : 2);
}
const run = await chosen.load();
const figures: Figure[] = [];
const results = await run({ quick: values.quick, log: (line) => console.error(line), figure: (figure) => figures.push(figure) });
printReport(name as string, results, figures);
