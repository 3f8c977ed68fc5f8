import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A function, as far as this test reads it: text around the parameter. */
interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly Environment?: { readonly Variables: { readonly SLUICE_WORKER: { readonly 'Fn::Join': readonly [string, readonly unknown[]] } } };
  };
}

let output: string;

beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), 'sluice-cdk-'));
});
afterAll(() => rm(output, { recursive: true, force: true }));

test('cdk synth makes a template with the functions as they are, and asks for the brokers that no file names', { timeout: 120_000 }, async () => {
  const bin = join(root, 'node_modules', '.bin');
  await promisify(execFile)(join(bin, 'cdk'), ['synth', '--quiet', '--output', output], {
    cwd: root,
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  const template = JSON.parse(await readFile(join(output, 'Sluice.template.json'), 'utf8'));
  expect(template.Parameters.BootstrapServers).toMatchObject({ Type: 'String' });
  const functions = Object.values<Resource>(template.Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function');
  // The three of the topology, and the authorizer.
  expect(functions).toHaveLength(4);
  const withWorker = functions.filter(({ Properties }) => Properties.Environment?.Variables.SLUICE_WORKER);
  expect(withWorker).toHaveLength(3);
  const [, parts] = withWorker[0]?.Properties.Environment?.Variables.SLUICE_WORKER['Fn::Join'] ?? [];
  expect(JSON.parse((parts ?? []).map((part) => (typeof part === 'string' ? part : 'broker:9092')).join(''))).toMatchObject({
    'bootstrap.servers': 'broker:9092',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  });
  const assets = (await readdir(output)).filter((name) => name.startsWith('asset.'));
  expect(assets).toHaveLength(4);
  for (const asset of assets) expect(await readdir(join(output, asset))).toContain('index.cjs');
});
