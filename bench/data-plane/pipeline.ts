import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { isPending, NO_HEADERS, SinkRecord } from '../../shared/connect/index.ts';
import { plugins } from '../../shared/plugins.ts';
import { type ChainPlugins, TransformationChain } from '../../shared/runtime/transformation-chain.ts';
import type { Answer, Described, Job } from './job.ts';

/** Takes records through our converters and transformations, as a sink task does: the process that is measured. */
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await measure(JSON.parse(line) as Job)));

async function measure(job: Job): Promise<Answer> {
  const [read, write] = [converterOf(job.converter), converterOf(job.converter)];
  const chain = new TransformationChain(chainConfig(job.transforms), plugins.find.bind(plugins) as ChainPlugins);
  const records = job.records.map((each) => Buffer.from(each, 'base64'));
  const recordOf = (bytes: Buffer): SinkRecord => {
    const { schema, value } = read.toConnectData('orders', bytes, NO_HEADERS);
    return new SinkRecord('orders', 0, null, null, schema, value, 0n, null, 'NoTimestampType', NO_HEADERS);
  };
  const bytesOf = ({ valueSchema, value }: SinkRecord): Uint8Array => write.fromConnectData('orders', valueSchema, value, NO_HEADERS) as Uint8Array;
  const take = (bytes: Buffer): Uint8Array => bytesOf(chain.apply(recordOf(bytes)) as SinkRecord);
  const run = (total: number): number => {
    let length = 0;
    for (let done = 0; done < total; done += records.length) for (const each of records) length += take(each).length;
    return length;
  };
  const steps = (total: number): number[] => {
    const spent = new Array<number>(chain.stages.length + 2).fill(0);
    let count = 0;
    for (let done = 0; done < total; done += records.length) {
      let at = performance.now();
      const lap = (step: number) => {
        const now = performance.now();
        spent[step] = (spent[step] as number) + now - at;
        at = now;
      };
      let batch = records.map(recordOf);
      lap(0);
      for (const [index, { apply }] of chain.stages.entries()) {
        batch = batch.map((each) => apply(each) as SinkRecord);
        lap(index + 1);
      }
      for (const each of batch) bytesOf(each);
      lap(spent.length - 1);
      count += batch.length;
    }
    return spent.map((millis) => (millis * 1e6) / count);
  };

  const digest = createHash('sha256');
  for (const each of records) digest.update((await settled(() => take(each))).subarray(job.headerLength));
  run(job.warmup);
  const rounds = Array.from({ length: job.rounds }, () => {
    const cpu = process.cpuUsage();
    const start = performance.now();
    run(job.total);
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  });
  steps(job.warmup);
  return { digest: digest.digest('hex'), rounds, steps: steps(job.total) };
}

/** What asks a registry first is done when it has the answer. */
async function settled<T>(operation: () => T): Promise<T> {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (!isPending(error)) throw error;
      await error.ready(new AbortController().signal);
    }
  }
}

function converterOf({ type, config }: Described) {
  return plugins.converter(type).create(config, false);
}

function chainConfig(transforms: readonly Described[]): Record<string, string> {
  const config: Record<string, string> = { transforms: transforms.map((_, at) => `t${at}`).join(',') };
  for (const [at, { type, config: own }] of transforms.entries()) {
    config[`transforms.t${at}.type`] = type;
    for (const [key, value] of Object.entries(own)) config[`transforms.t${at}.${key}`] = value;
  }
  return config;
}
