import type { KafkaTools } from '../../infra/local/services/kafka-tools.ts';
import { runMeasured } from './measured-process.ts';
import type { ClientRun, ProduceWork, ReadWork } from './workload.ts';

// As Kafka's own scripts start these tools.
const machine = ['-Xmx512M', '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35', '-XX:+ExplicitGCInvokesConcurrent'];

/** Java's consumer, driven by ConsumerPerformance. The time begins when the consumer is made, or with the assignment of its partitions. */
export async function readWithJava(tools: KafkaTools, work: ReadWork, from: 'start' | 'assignment'): Promise<ClientRun> {
  const { printed, cpuSeconds } = await run(tools, 'org.apache.kafka.tools.ConsumerPerformance', [
    ...['--bootstrap-server', work.brokers, '--topic', work.topic, '--num-records', String(work.records)],
    ...['--group', `bench-${process.pid}-${performance.now()}`, '--timeout', '60000', '--hide-header'],
  ]);
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, ...
  const fields = printed.trim().split('\n').at(-1)?.split(', ') ?? [];
  const records = Number(fields[4]);
  const milliseconds = from === 'assignment' ? Number(fields[7]) : (records / Number(fields[5])) * 1000;
  if (!(records >= work.records && milliseconds > 0)) throw new Error(`ConsumerPerformance printed: ${printed}`);
  return { records, seconds: milliseconds / 1000, cpuSeconds };
}

/** Java's producer, driven by ProducerPerformance. The time begins when the producer is made. */
export async function produceWithJava(tools: KafkaTools, work: ProduceWork): Promise<ClientRun> {
  const properties = { acks: 'all', ...work.properties };
  const { printed, cpuSeconds } = await run(tools, 'org.apache.kafka.tools.ProducerPerformance', [
    ...['--bootstrap-server', work.brokers, '--topic', work.topic, '--num-records', String(work.records), '--throughput', '-1'],
    ...['--payload-file', work.payloads, '--command-property', ...Object.entries(properties).map(([key, value]) => `${key}=${value}`)],
  ]);
  const line = printed.trim().split('\n').at(-1) ?? '';
  const match = /^(\d+) records sent, ([\d.]+) records\/sec .* 99\.9th\.$/.exec(line);
  if (match === null || Number(match[1]) !== work.records) throw new Error(`ProducerPerformance printed: ${printed}`);
  return { records: work.records, seconds: work.records / Number(match[2]), cpuSeconds };
}

function run({ java, classPath }: KafkaTools, tool: string, args: readonly string[]) {
  return runMeasured(java, [...machine, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath, tool, ...args]);
}
