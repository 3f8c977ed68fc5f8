import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../infra/local/ports.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-main-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as `npm start` does, with what is set here only. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, env: { PATH: process.env.PATH ?? '', HOME: folder, ...env } };
    const child = spawn(process.execPath, [join(root, 'infra/local/main.ts'), ...args], options);
    const printed = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (printed.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (printed.stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...printed }));
  });
}

/** One line, a sentence with the expected words, and no stack. */
function expectSentence({ stdout, stderr }: Ended, words: RegExp): void {
  expect(stdout).toBe('');
  expect(stderr).toMatch(words);
  expect(stderr).toMatch(/^[^\n]+\.\n$/);
}

test('--help tells the flags', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const flag of ['--port', '--data-dir', '--kafka', '--dynamodb', '--worker', '--no-demo', '--help']) expect(stdout).toContain(flag);
});

test.each([
  [['--colour'], /Unknown option '--colour'.* --help/],
  [['--port'], /'--port <value>' argument missing.* --help/],
  [['--port', 'eighty'], /--port must be a number from 0 to 65535, not 'eighty'/],
  [['--kafka', 'localhost'], /--kafka must be HOST:PORT/],
  [['--dynamodb', 'localhost:8000'], /--dynamodb must be a URL/],
])('%j is answered with what would be right and exit code 2', async (args, words) => {
  const ended = await run(args);
  expectSentence(ended, words);
  expect(ended.code).toBe(2);
});

test('a spec file that is missing is named', async () => {
  const ended = await run(['--port', '0', 'orders.json']);
  expectSentence(ended, /The spec file orders\.json cannot be read: there is no such file/);
  expect(ended.code).toBe(1);
});

test('a worker file that is missing is named', async () => {
  const ended = await run(['--port', '0', '--worker', 'worker.properties']);
  expectSentence(ended, /The worker file worker\.properties cannot be read/);
  expect(ended.code).toBe(1);
});

test('a port in use is named', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = server.address() as { port: number };
  const ended = await run(['--port', String(port)]);
  server.close();
  expectSentence(ended, new RegExp(`Port ${port} is in use: .*--port`));
  expect(ended.code).toBe(1);
});

test('a data directory that another Sluice uses is named with its process', async () => {
  const path = join(folder, 'in-use');
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'infra/local/main.ts']);
  await new Promise((resolve) => other.once('spawn', resolve));
  await mkdir(path);
  await writeFile(join(path, 'lock'), String(other.pid));
  const ended = await run(['--port', '0', '--data-dir', path]);
  other.kill();
  expectSentence(ended, new RegExp(`in use by another Sluice \\(process ${other.pid}\\).*--data-dir`));
  expect(ended.code).toBe(1);
});

test('a Kafka that cannot be reached is named, and nothing is left behind', async () => {
  const { port } = await freePorts(['port']);
  const path = join(folder, 'unreachable');
  const ended = await run(['--port', '0', '--data-dir', path, '--dynamodb', `http://127.0.0.1:${port}`], { KAFKA_BROKERS: `127.0.0.1:${port}` });
  expectSentence(ended, /(Kafka cannot be reached|DynamoDB does not answer) at .*\d/);
  expect(ended.code).toBe(1);
  expect(await readdir(path)).not.toContain('lock');
});

test('a machine without Java is told so', async () => {
  const ended = await run(['--port', '0', '--data-dir', join(folder, 'no-java')], { PATH: '/nowhere' });
  expectSentence(ended, /Java is missing/);
  expect(ended.code).toBe(1);
});
