import { execFileSync } from 'node:child_process';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleFunctions, drivers } from '../../infra/bundle.ts';
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

test('what only some runs need is beside the function, and loads from there; the function loads without', async () => {
  const { task } = await bundleFunctions({ outDir: join(folder, 'apart'), minify: true });
  expect((await stat(task)).size).toBeLessThan(1_500_000);
  const modules = join(dirname(task), 'node_modules');
  const beside = [];
  for (const name of drivers) {
    const there = await access(join(modules, name, 'index.js')).then(
      () => true,
      () => false,
    );
    if (there) beside.push(name);
  }
  expect(beside).toEqual(
    expect.arrayContaining(['pg', 'avsc', 'cron-parser', 'aws-msk-iam-sasl-signer-js', '@aws-sdk/client-secrets-manager', '@aws-sdk/client-ssm']),
  );
  // From a folder without node_modules above it, so that nothing else can be found.
  const load = 'for (const name of process.argv.slice(2)) require(require("node:path").join(process.argv[1], name)); console.log("loaded"); process.exit(0)';
  expect(execFileSync(process.execPath, ['-e', load, modules, ...beside], { cwd: folder, env, encoding: 'utf8' }).trim()).toBe('loaded');
  await rm(modules, { recursive: true });
  const script = 'console.log(typeof require(process.argv[1]).handler); process.exit(0)';
  expect(execFileSync(process.execPath, ['-e', script, task], { cwd: folder, env, encoding: 'utf8' }).trim()).toBe('function');
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
