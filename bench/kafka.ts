import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideArtifacts } from '../infra/local/artifacts.ts';
import { freePorts } from '../infra/local/ports.ts';
import { startKafka } from '../infra/local/services/kafka.ts';
import { type KafkaTools, provideKafkaTools } from '../infra/local/services/kafka-tools.ts';
import { removeFolder, type ServiceProcess } from '../infra/local/services/service-process.ts';
import { createKafkaClients } from '../shared/kafka/kafka-clients.ts';
import type { ClusterAdmin } from '../shared/kafka/ports.ts';
import { measureFirstRecord, measureMemory } from './kafka/figures.ts';
import { produceWithJava, readWithJava } from './kafka/java-client.ts';
import { bundleOwnClients, produceWithOurs, readWithOurs } from './kafka/own-client.ts';
import type { ClientRun } from './kafka/workload.ts';
import { quietLogger } from './quiet-logger.ts';
import { type Benchmark, type Figure, median, type Result } from './report.ts';

const codecs = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

interface Case {
  readonly name: string;
  readonly size: 100 | 1000;
  readonly partitions: number;
  readonly records: number;
  readonly codec?: string;
  /** What a process costs that does one record is taken off. */
  readonly steady?: boolean;
  /** Client keys of ours, and of the peer's producer, besides `acks` and `compression.type`. */
  readonly ours?: Readonly<Record<string, string>>;
  readonly peers?: Readonly<Record<string, string>>;
}

/** What all cases share. */
interface Ground {
  readonly brokers: string;
  readonly tools: KafkaTools;
  readonly admin: ClusterAdmin;
  readonly rounds: number;
  readonly payloads: Readonly<Record<Case['size'], string>>;
  readonly log: (line: string) => void;
}

/**
 * Our reader and producer beside Java's, each driven by a process of its own that does nothing else; rounds of ours and of Java's
 * take turns. Cases named `read-…` are fresh processes that read a million records, as a run of a task is: CPU is that of the whole
 * process, and the time that of a client from the moment it is made. Of the others, which are longer, the CPU of a process that
 * does one record is taken off, and the time is that from the assignment on (for ours, from the first connection).
 */
export const kafkaBenchmark: Benchmark = async ({ quick, log, figure }) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const [tools, jars, ports] = [await provideKafkaTools(log), await provideArtifacts('kafka', log), await freePorts(['kafka', 'kafkaController'] as const)];
  const properties = { 'log.segment.delete.delay.ms': '1000' };
  const service: ServiceProcess = await startKafka({
    java: tools.java,
    jars,
    dataDir: join(folder, 'kafka'),
    logFile: join(folder, 'kafka.log'),
    ports,
    properties,
  });
  const brokers = `127.0.0.1:${ports.kafka}`;
  const clients = createKafkaClients({ 'bootstrap.servers': brokers }, quietLogger);
  try {
    await bundleOwnClients(folder);
    const payloads = { 100: join(folder, 'payloads-100'), 1000: join(folder, 'payloads-1000') };
    for (const size of [100, 1000] as const) await writeFile(payloads[size], payloadLines(size));
    const ground: Ground = { brokers, tools, admin: clients.admin(), rounds: quick ? 1 : 3, payloads, log };
    log('Both sides: acks=all, idempotent. Java has its defaults: batch.size 16384, linger.ms 5, max.poll.records 500; so have we, except that');
    log('a batch of ours is sent when nothing is under way to its partition, and holds up to 1 MB by then (linger.ms 0). Cases named');
    log('"equal-…" have both at the same batch.size and linger.ms. Topics that are read were written by Java. We verify checksums, which');
    log('ConsumerPerformance does not (its check.crcs=false is fixed); nor do we in the case "equal-unchecked".');
    const results = [...(await read(ground, readCases(quick))), ...(await produce(ground, produceCases(quick)))];
    for (const each of await figures(ground, folder, quick)) figure(each);
    return results;
  } finally {
    await clients.close();
    await service.stop();
    await removeFolder(folder);
  }
};

function readCases(quick: boolean): Case[] {
  const records = 1_000_000;
  const [small, large, packed] = quick ? [2_000_000, 500_000, 1_000_000] : [5_000_000, 1_000_000, 3_000_000];
  const steady = true;
  return [
    { name: 'read-100B-1p', size: 100, partitions: 1, records },
    { name: 'read-100B-6p', size: 100, partitions: 6, records },
    { name: 'read-1KB-1p', size: 1000, partitions: 1, records },
    { name: 'read-1KB-6p', size: 1000, partitions: 6, records },
    ...codecs.map((codec): Case => ({ name: `read-${codec}`, size: 100, partitions: 1, records, codec })),
    { name: 'steady-100B-1p', size: 100, partitions: 1, records: small, steady },
    { name: 'steady-100B-6p', size: 100, partitions: 6, records: small, steady },
    { name: 'steady-1KB-1p', size: 1000, partitions: 1, records: large, steady },
    ...codecs.map((codec): Case => ({ name: `steady-${codec}`, size: 100, partitions: 1, records: packed, codec, steady })),
    { name: 'equal-unchecked', size: 100, partitions: 1, records: small, steady, ours: { 'check.crcs': 'false' } },
  ];
}

function produceCases(quick: boolean): Case[] {
  const [small, large, packed] = quick ? [1_000_000, 250_000, 500_000] : [2_000_000, 500_000, 1_000_000];
  const alike = (size: string) => ({ 'batch.size': size, 'linger.ms': '5' });
  return [
    { name: 'produce-100B-1p', size: 100, partitions: 1, records: small },
    { name: 'produce-100B-6p', size: 100, partitions: 6, records: small },
    { name: 'produce-1KB-1p', size: 1000, partitions: 1, records: large },
    { name: 'produce-1KB-6p', size: 1000, partitions: 6, records: large },
    ...codecs.map((codec): Case => ({ name: `produce-${codec}`, size: 100, partitions: 1, records: packed, codec })),
    { name: 'equal-16KB-100B', size: 100, partitions: 1, records: small, ours: alike('16384'), peers: alike('16384') },
    { name: 'equal-1MB-100B', size: 100, partitions: 1, records: small, ours: alike('1000000'), peers: alike('1000000') },
  ];
}

async function read({ brokers, tools, admin, rounds, payloads, log }: Ground, cases: readonly Case[]): Promise<Result[]> {
  await admin.createTopic({ topic: 'one', partitions: 1, replicationFactor: 1 });
  await produceWithJava(tools, { brokers, topic: 'one', records: 1, payloads: payloads[100], properties: {} });
  const least = { brokers, topic: 'one', partitions: 1, records: 1, properties: {} };
  const idle = await startCosts(rounds, { ours: () => readWithOurs(least), peers: () => readWithJava(tools, least, 'start') });
  log(`A reader's start takes ${idle.ours.toFixed(2)} CPU-s of ours, ${idle.peers.toFixed(2)} of Java's: part of "read-…", taken off in all others`);
  const results: Result[] = [];
  for (const { name, size, partitions, records, codec, steady = false, ours = {} } of cases) {
    const start = steady ? idle : { ours: 0, peers: 0 };
    const work = { brokers, topic: name, partitions, records, properties: ours };
    await admin.createTopic({ topic: name, partitions, replicationFactor: 1 });
    await produceWithJava(tools, { ...work, payloads: payloads[size], properties: codec ? { 'compression.type': codec } : {} });
    for (let round = 1; round <= rounds; round++) {
      results.push(result(name, 'sluice', round, await readWithOurs(work), start.ours));
      results.push(result(name, 'java-client', round, await readWithJava(tools, work, steady ? 'assignment' : 'start'), start.peers));
    }
    log(summary(results.slice(-2)));
    await admin.deleteTopics([name]);
  }
  return results;
}

async function produce({ brokers, tools, admin, rounds, payloads, log }: Ground, cases: readonly Case[]): Promise<Result[]> {
  const least = { brokers, topic: 'one', records: 1, payloads: payloads[100], properties: {} };
  const idle = await startCosts(rounds, { ours: () => produceWithOurs(least), peers: () => produceWithJava(tools, least) });
  log(`A producer's start takes ${idle.ours.toFixed(2)} CPU-s of ours, ${idle.peers.toFixed(2)} of Java's: taken off`);
  const results: Result[] = [];
  for (const { name, size, partitions, records, codec, ours, peers } of cases) {
    const compression: Record<string, string> = codec ? { 'compression.type': codec } : {};
    const inTopic = async (topic: string, work: (topic: string) => Promise<ClientRun>): Promise<ClientRun> => {
      await admin.createTopic({ topic, partitions, replicationFactor: 1 });
      const run = await work(topic);
      const ends = [...(await admin.endOffsets(Array.from({ length: partitions }, (_, partition) => ({ topic, partition })))).values()];
      const total = ends.reduce((sum, end) => sum + end, 0n);
      if (total !== BigInt(records)) throw new Error(`${topic} holds ${total} of ${records} records`);
      await admin.deleteTopics([topic]);
      return run;
    };
    const common = { brokers, records, payloads: payloads[size] };
    for (let round = 1; round <= rounds; round++) {
      const mine = await inTopic(`${name}-${round}-ours`, (topic) => produceWithOurs({ ...common, topic, properties: { ...compression, ...ours } }));
      results.push(result(name, 'sluice', round, mine, idle.ours));
      const theirs = await inTopic(`${name}-${round}-java`, (topic) => produceWithJava(tools, { ...common, topic, properties: { ...compression, ...peers } }));
      results.push(result(name, 'java-client', round, theirs, idle.peers));
    }
    log(summary(results.slice(-2)));
  }
  return results;
}

async function figures({ brokers, tools, admin, payloads }: Ground, folder: string, quick: boolean): Promise<Figure[]> {
  const partitions = 100;
  const work = { brokers, topic: 'memory', partitions, records: 300_000, properties: {} };
  await admin.createTopic({ topic: work.topic, partitions, replicationFactor: 1 });
  await produceWithJava(tools, { ...work, payloads: payloads[1000] });
  return [...(await measureFirstRecord({ brokers, topic: 'one', folder, rounds: quick ? 5 : 15 })), await measureMemory(work, quick ? 1 : 3)];
}

/** CPU seconds of a process that does one record, medians. */
async function startCosts(rounds: number, runs: { ours: () => Promise<ClientRun>; peers: () => Promise<ClientRun> }): Promise<{ ours: number; peers: number }> {
  const ours: number[] = [];
  const peers: number[] = [];
  for (let round = 0; round < Math.max(rounds, 3); round++) {
    ours.push((await runs.ours()).cpuSeconds);
    peers.push((await runs.peers()).cpuSeconds);
  }
  return { ours: median(ours), peers: median(peers) };
}

function result(name: string, system: Result['system'], round: number, { records, seconds, cpuSeconds }: ClientRun, startCost: number): Result {
  return { case: name, system, round, records, seconds, cpuSeconds: Math.max(0, cpuSeconds - startCost) };
}

function summary(results: readonly Result[]): string {
  const parts = results.map(
    ({ system, records, seconds, cpuSeconds }) =>
      `${system} ${Math.round(records / seconds).toLocaleString('en')} rec/s, ${((cpuSeconds / records) * 1e6).toFixed(2)} CPU-s per million`,
  );
  return `${results[0]?.case}: ${parts.join('; ')}`;
}

// Orders as JSON, so that codecs have something to do: a thousand of them, and 100 or 1000 bytes each.
function payloadLines(size: number): string {
  let text = '';
  for (let id = 0; id < 1000; id++) {
    let line = `{"id":${1_000_000 + id * 7919},"customer":"c-${(id * 104_729) % 50_000}","amount":${((id * 15_485_863) % 1_000_003) / 100},"note":"`;
    for (let word = id; line.length < size - 2; word = (word * 48_271 + 11) % 2_147_483_647) line += `${word.toString(36)} `;
    text += `${line.slice(0, size - 2)}"}\n`;
  }
  return text;
}
