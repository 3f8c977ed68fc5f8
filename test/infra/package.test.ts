import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePackage } from '../../infra/package.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
let app: string;

/** An app elsewhere with the package in its `node_modules`, as npm would put it there. */
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'sluice-app-'));
  await cp(join(root, 'examples', 'cdk-app'), app, { recursive: true });
  const modules = join(app, 'node_modules');
  await mkdir(modules);
  await makePackage(join(modules, 'sluice'));
  for (const name of await readdir(join(root, 'node_modules'))) if (!name.startsWith('.')) await symlink(join(root, 'node_modules', name), join(modules, name));
}, 60_000);
afterAll(() => rm(app, { recursive: true, force: true }));

test('the example app synthesizes with the constructs and functions of the package', async () => {
  await run(process.execPath, ['app.ts'], { cwd: app, env: { ...process.env, CDK_OUTDIR: join(app, 'cdk.out') } });
  const template = JSON.parse(await readFile(join(app, 'cdk.out', 'OrdersPipelines.template.json'), 'utf8')) as { Resources: Record<string, { Type: string }> };
  const count = (type: string) => Object.values(template.Resources).filter(({ Type }) => Type === type).length;
  expect(count('Custom::KafkaConnector')).toBe(3);
  const functions = (await readdir(join(app, 'cdk.out'), { withFileTypes: true })).filter((entry) => entry.isDirectory() && entry.name.startsWith('asset.'));
  const files = await Promise.all(functions.map(({ name }) => readdir(join(app, 'cdk.out', name))));
  expect(files.filter((names) => names.includes('index.cjs')).length).toBe(6);
}, 60_000);

test('its types are what an app is checked with', async () => {
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--typeRoots',
    join(root, 'node_modules', '@types'),
  ];
  const check = (file: string) => run(join(root, 'node_modules', '.bin', 'tsc'), [...options, file], { cwd: app });
  await check('app.ts');
  await writeFile(join(app, 'wrong.ts'), "import { KafkaAccess } from 'sluice/cdk';\nKafkaAccess.plaintext(9092);\n");
  await expect(check('wrong.ts')).rejects.toMatchObject({ stdout: expect.stringContaining("'number' is not assignable to parameter of type 'string'") });
}, 60_000);

test('a connector of one’s own is written against it, and bundled from it into the functions', async () => {
  await writeFile(
    join(app, 'my-plugin.ts'),
    `import { configDef, defineSinkConnector, replicate, SinkTask, string } from 'sluice/connect';
     class MyTask extends SinkTask { override put() {} }
     export const plugins = [defineSinkConnector({
       className: 'com.example.MySink', version: '1', overview: 'Mine.', config: configDef({ target: string({ importance: 'HIGH', doc: 'Where to.' }) }),
       taskConfigs: (context) => replicate(context), createTask: () => new MyTask(),
     })];`,
  );
  await writeFile(
    join(app, 'make.ts'),
    `import { bundleDeployment } from 'sluice/bundle';
     const { task } = await bundleDeployment({ outDir: 'functions', minify: true, pluginModules: [new URL('my-plugin.ts', import.meta.url).pathname] });
     console.log(task);`,
  );
  const { stdout } = await run(process.execPath, ['make.ts'], { cwd: app });
  expect(await readFile(join(app, stdout.trim()), 'utf8')).toContain('com.example.MySink');
}, 60_000);
