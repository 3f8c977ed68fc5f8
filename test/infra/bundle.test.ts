import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleDeployment, bundleFunctions, drivers } from '../../infra/bundle.ts';
import { deploymentFunctions, functions } from '../../infra/topology.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
});
afterAll(() => rm(folder, { recursive: true }));

const env = {
  SLUICE_CONNECTOR: 'sink',
  SLUICE_API_SECRET: 'secret',
  SLUICE_TABLE: 'table',
  SLUICE_WORKER: '{"bootstrap.servers": "127.0.0.1:1"}',
  AWS_REGION: 'us-east-1',
};

/** What a fresh process prints that runs a script with these arguments in a folder without node_modules above it, so that nothing but the bundle is found. */
function printed(script: string, ...parameters: string[]): string {
  return execFileSync(process.execPath, ['-e', script, ...parameters], { cwd: folder, env, encoding: 'utf8' }).trim();
}
const typeOfHandler = 'console.log(typeof require(process.argv[1]).handler); process.exit(0)';

test('every function of a deployment becomes one file below 1.5 MB that a Lambda environment can load by itself, without its drivers too', async () => {
  const bundles = await bundleDeployment({ outDir: join(folder, 'plain'), minify: true });
  expect(Object.keys(bundles)).toEqual([...functions, ...deploymentFunctions].map(({ name }) => name));
  for (const [name, path] of Object.entries(bundles)) {
    expect((await stat(path)).size, name).toBeLessThan(1_500_000);
    expect(printed(typeOfHandler, path), name).toBe('function');
    if (name === 'authorizer') continue; // It does nothing else than read its secret, and loads the client for that at once.
    await rm(join(dirname(path), 'node_modules'), { recursive: true });
    expect(printed(typeOfHandler, path), name).toBe('function');
  }
}, 60_000);

test('what only some runs need is beside the function, and has there what the package itself exports', async () => {
  const { task } = await bundleFunctions({ outDir: join(folder, 'apart'), minify: true });
  const script = `
    const require = process.getBuiltinModule('node:module').createRequire(process.argv[1]);
    const names = (driver) => { try { return Object.keys(require(driver)) } catch { return null } };
    console.log(JSON.stringify(Object.fromEntries(process.argv.slice(2).map((driver) => [driver, names(driver)]))));
    process.exit(0)`;
  const exported = JSON.parse(printed(script, task, ...drivers)) as Record<string, string[] | null>;
  const beside = drivers.filter((driver) => exported[driver] !== null);
  expect(beside).toEqual(
    expect.arrayContaining([
      'pg',
      'avsc',
      'cron-parser',
      '@platformatic/wasm-utils/bundled',
      'aws-msk-iam-sasl-signer-js',
      '@aws-sdk/client-secrets-manager',
      '@aws-sdk/client-ssm',
      '@aws-sdk/client-lambda',
      '@aws-sdk/client-sqs',
    ]),
  );
  for (const driver of beside) {
    const ofPackage = Object.keys((await import(driver)) as object).filter((name) => !['default', 'module.exports', '__esModule'].includes(name));
    expect(exported[driver], driver).toEqual(expect.arrayContaining(ofPackage));
  }
});

test('a plugin that brings a version of a driver keeps it; our own connectors keep ours', async () => {
  const plugin = join(folder, 'brings', 'plugin.ts');
  await mkdir(join(folder, 'brings', 'node_modules', 'pg'), { recursive: true });
  await writeFile(join(folder, 'brings', 'node_modules', 'pg', 'index.js'), "exports.version = 'of the plugin';");
  await writeFile(plugin, "import { version } from 'pg';\nexport const plugins = [{ kind: 'transformation', className: `com.example.${version}` }];");
  const { task } = await bundleFunctions({ outDir: join(folder, 'own-version'), minify: true, pluginModules: [plugin] });
  const text = await readFile(task, 'utf8');
  expect(text).toContain('of the plugin');
  expect(text).toContain('require("pg")');
  expect(printed(typeOfHandler, task)).toBe('function');
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
