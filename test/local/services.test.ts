import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDataDir } from '../../infra/local/data-dir.ts';
import { freePorts, isFree } from '../../infra/local/ports.ts';
import { findJava, javaVersion } from '../../infra/local/services/java.ts';
import { startServiceProcess, untilReady } from '../../infra/local/services/service-process.ts';
import { startSqs } from '../../infra/local/services/sqs.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-local-'));
});
afterAll(() => rm(folder, { recursive: true }));

const node = (title: string, script: string) =>
  startServiceProcess({ title, command: process.execPath, args: ['-e', script, folder], logFile: join(folder, `${title}.log`) });

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_292"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['no Java here', null],
])('%s is version %s', (printed, version) => {
  expect(javaVersion(printed)).toBe(version);
});

test('a machine without Java is told what to install, or to do without', async () => {
  await expect(findJava({ PATH: '/nowhere' })).rejects.toThrow(/^Java is missing: install Java 17 or later .*--kafka HOST:PORT and --dynamodb URL/);
});

test('ports that are free are taken again, others are chosen', async () => {
  const { a, b } = await freePorts(['a', 'b']);
  expect(a).not.toBe(b);
  expect(await isFree(a)).toBe(true);
  expect(await freePorts(['a', 'b'], { a, b })).toEqual({ a, b });
});

test('a server that ends before it is ready is told with its last error', async () => {
  const service = await node('Broken', 'console.error("FATAL: no space"); process.exit(3)');
  await expect(untilReady(service, async () => false, 10_000)).rejects.toThrow(/^Broken stopped by itself \(exit code 3\).*FATAL: no space/);
});

test('a server that does not listen to SIGTERM is killed', async () => {
  const service = await node('Deaf', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up")');
  await untilReady(service, async () => (await readFile(service.logFile, 'utf8')).includes('up'), 10_000);
  await service.stop(100);
  expect(() => process.kill(service.pid, 0)).toThrow(/ESRCH/);
});

test('a data directory is taken over from a process that was killed, and what that left behind is ended', async () => {
  const orphan = await node('Orphan', 'setInterval(() => {}, 1000)');
  const first = await openDataDir(folder);
  await first.save({ ports: { kafka: 4711 }, services: [orphan.pid] });
  await first.release();
  await writeFile(join(folder, 'lock'), '999999999');
  const second = await openDataDir(folder);
  expect(second.state).toEqual({ ports: { kafka: 4711 }, services: [] });
  await orphan.exited;
  await second.release();
});

test('messages of the queues survive a restart, on the loopback address', async () => {
  const { port } = await freePorts(['port']);
  const options = { port, dataDir: join(folder, 'sqs'), region: 'eu-west-1' };
  const client = new SQSClient({ endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  const first = await startSqs(options);
  await client.send(new SendMessageCommand({ QueueUrl: first.queues.failures.url, MessageBody: 'kept' }));
  await first.stop();
  const second = await startSqs(options);
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl: second.queues.failures.url }));
  client.destroy();
  await second.stop();
  expect(Messages?.map(({ Body }) => Body)).toEqual(['kept']);
});

test('a server does not outlive a process that is killed', async () => {
  const module = new URL('../../infra/local/services/service-process.ts', import.meta.url).href;
  const script = `
    const { startServiceProcess } = await import(${JSON.stringify(module)});
    const args = ['-e', 'setInterval(() => {}, 1000)'];
    const service = await startServiceProcess({ title: 'Server', command: process.execPath, args, logFile: ${JSON.stringify(join(folder, 'server.log'))} });
    console.log(service.pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = Number((await once(parent.stdout.setEncoding('utf8'), 'data'))[0]);
  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill('SIGKILL');
  await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
