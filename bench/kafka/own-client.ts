import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { runMeasured } from './measured-process.ts';
import type { ClientRun, ProduceWork, ReadWork } from './workload.ts';

const programs = ['read-process', 'produce-process'] as const;
let bundled = '';

/** Makes our programs as functions are made, one file each: their start is part of what is measured. */
export async function bundleOwnClients(folder: string): Promise<void> {
  await build({
    entryPoints: programs.map((program) => fileURLToPath(new URL(`${program}.ts`, import.meta.url))),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // Packages in CommonJS ask for `require`, which a module of ECMAScript does not have.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    keepNames: true,
    logLevel: 'silent',
  });
  bundled = folder;
}

/** Our reader, in a process of its own. */
export function readWithOurs(work: ReadWork): Promise<ClientRun> {
  return run('read-process', work);
}

/** Our producer, in a process of its own. */
export function produceWithOurs(work: ProduceWork): Promise<ClientRun> {
  return run('produce-process', work);
}

async function run(program: (typeof programs)[number], work: ReadWork | ProduceWork): Promise<ClientRun> {
  const { printed, cpuSeconds } = await runMeasured(process.execPath, [join(bundled, `${program}.mjs`), JSON.stringify(work)]);
  const { records, seconds } = JSON.parse(printed) as { records: number; seconds: number };
  if (records < work.records) throw new Error(`${program} did ${records} of ${work.records} records`);
  return { records, seconds, cpuSeconds };
}
