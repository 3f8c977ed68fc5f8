import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { functions } from '../../infra/topology.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
});
afterAll(() => rm(folder, { recursive: true }));

const env = { SLUICE_TABLE: 'table', SLUICE_WORKER: '{"bootstrap.servers": "127.0.0.1:1"}', AWS_REGION: 'us-east-1' };

test('every function becomes one file that a Lambda environment can load by itself', async () => {
  const bundles = await bundleFunctions({ outDir: join(folder, 'plain'), minify: true });
  expect(Object.keys(bundles)).toEqual(functions.map(({ name }) => name));
  for (const path of Object.values(bundles)) {
    const script = 'console.log(typeof require(process.argv[1]).handler); process.exit(0)';
    expect(execFileSync(process.execPath, ['-e', script, path], { cwd: folder, env, encoding: 'utf8' }).trim()).toBe('function');
  }
});

test("plugins of the worker's plugin.path are in the bundles, and share the one copy of the API", async () => {
  const plugin = join(folder, 'shout.ts');
  await writeFile(
    plugin,
    `import { ConfigException } from 'sluice/connect';
     export const plugins = [{ kind: 'transformation', className: 'com.example.Shout', error: ConfigException }];`,
  );
  const { task } = await bundleFunctions({ outDir: join(folder, 'with-plugin'), minify: false, pluginModules: [plugin] });
  const text = await readFile(task, 'utf8');
  expect(text).toContain('com.example.Shout');
  expect(text.match(/class (_?ConfigException\d*) extends/g)).toHaveLength(1);
});

test('a plugin that does not export plugins is told by its file', async () => {
  const plugin = join(folder, 'empty.ts');
  await writeFile(plugin, 'export const other = 1;');
  await expect(bundleFunctions({ outDir: join(folder, 'empty'), minify: false, pluginModules: [plugin] })).rejects.toThrow(
    /No matching export in ".*empty\.ts" for import "plugins"/,
  );
});
