import { fileURLToPath } from 'node:url';
import { runMeasured } from './measured-process.ts';
import type { ClientRun, ProduceWork, ReadWork } from './workload.ts';

/** Our reader, in a process of its own. */
export function readWithOurs(work: ReadWork): Promise<ClientRun> {
  return run('read-process.ts', work);
}

/** Our producer, in a process of its own. */
export function produceWithOurs(work: ProduceWork): Promise<ClientRun> {
  return run('produce-process.ts', work);
}

async function run(script: string, work: ReadWork | ProduceWork): Promise<ClientRun> {
  const { printed, cpuSeconds } = await runMeasured(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), JSON.stringify(work)]);
  const { records, seconds } = JSON.parse(printed) as { records: number; seconds: number };
  if (records < work.records) throw new Error(`${script} did ${records} of ${work.records} records`);
  return { records, seconds, cpuSeconds };
}
