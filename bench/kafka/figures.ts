import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Figure } from '../report.ts';
import type { ReadWork } from './workload.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** How fast a fresh process imports the layer and has its first record; bundled by esbuild as the functions are. */
export async function measureFirstRecord(options: { brokers: string; topic: string; folder: string; rounds: number }): Promise<Figure[]> {
  const { brokers, topic, folder, rounds } = options;
  await build({
    entryPoints: { layer: here('layer.ts'), 'first-record': here('first-record-process.ts') },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minify: true,
    keepNames: true,
    logLevel: 'silent',
  });
  const imports: number[] = [];
  const firstRecords: number[] = [];
  // The first start reads the files into the page cache.
  for (let round = 0; round <= rounds; round++) {
    const spawnedAt = performance.timeOrigin + performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'first-record.cjs'), join(folder, 'layer.cjs'), brokers, topic]);
    const { importMs, at } = JSON.parse(stdout) as { importMs: number; at: number };
    if (round === 0) continue;
    imports.push(importMs);
    firstRecords.push(at - spawnedAt);
  }
  return [
    { case: 'import', what: 'import of the layer', unit: 'ms', values: imports, goal: 60 },
    { case: 'first-record', what: 'start of the process to its first record', unit: 'ms', values: firstRecords, goal: 100 },
  ];
}

/** How much a process grows while it reads many partitions. */
export async function measureMemory(work: ReadWork, rounds: number): Promise<Figure> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { stdout } = await promisify(execFile)(process.execPath, [here('memory-process.ts'), JSON.stringify(work)]);
    const { baseline, peak } = JSON.parse(stdout) as { baseline: number; peak: number };
    values.push((peak - baseline) / 1e6);
  }
  return { case: 'memory', what: `resident above the baseline, ${work.partitions} partitions, fetches of 1 MB`, unit: 'MB', values, goal: 150 };
}
