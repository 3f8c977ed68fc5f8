import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../infra/local/ports.ts';
import { dynamodbEndpoint, kafkaBrokers } from './servers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-start-'));
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(folder, { recursive: true, maxRetries: 5, retryDelay: 200 });
});

interface Started {
  readonly child: ChildProcess;
  printed(): string;
  /** Waits until it has printed something that matches. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** Runs `npm start` without npm, with nothing of the environment but what is needed. */
function start(args: readonly string[], added: Readonly<Record<string, string>> = {}): Started {
  const { PATH, HOME, JAVA_HOME, SLUICE_CACHE } = process.env;
  const env = Object.fromEntries(Object.entries({ PATH, HOME, JAVA_HOME, SLUICE_CACHE, ...added }).filter(([, value]) => value !== undefined));
  const child = spawn(process.execPath, [join(root, 'infra/local/bootstrap.mjs'), 'start', ...args], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  children.add(child);
  const ended = once(child, 'exit').then(([code]) => {
    children.delete(child);
    return code as number | null;
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (printed += text));
  return {
    child,
    printed: () => printed,
    async until(pattern) {
      for (;;) {
        const match = pattern.exec(printed);
        if (match) return match;
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`It ended before it printed ${pattern}:\n${printed}`);
        await sleep(50);
      }
    },
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Command lines of processes that name a folder. */
function processesOf(path: string): string[] {
  return execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(path));
}

test('the demo fills its table, a second start keeps it, and nothing is left running', { timeout: 180_000 }, async () => {
  const dataDir = join(folder, 'demo');
  const rows = (await readFile(join(root, 'examples/weather/seattle-weather.csv'), 'utf8')).trim().split('\n').length - 1;
  const count = () => {
    const db = new DatabaseSync(join(dataDir, 'demo/weather.db'), { readOnly: true });
    const row = db.prepare('SELECT count(*) AS days, count(DISTINCT day) AS different, max(high_celsius) AS hottest FROM weather').get();
    db.close();
    return { ...row };
  };

  const first = start(['--port', '0', '--data-dir', dataDir]);
  await first.until(/^Sluice is ready on http:\/\/127\.0\.0\.1:\d+$/m);
  await first.until(/out of a CSV file, by way of Kafka[\s\S]*To try:/);
  expect(count()).toEqual({ days: rows, different: rows, hottest: 35.6 });
  expect(await first.stop()).toBe(0);
  expect(processesOf(dataDir)).toEqual([]);

  const second = start(['--port', '0', '--data-dir', dataDir]);
  const [, url] = await second.until(/^Sluice is ready on (http:\S+)$/m);
  await second.until(/from an earlier start/);
  const connectors = (await fetch(`${url}/connectors`).then((response) => response.json())) as string[];
  expect(connectors.toSorted()).toEqual(['weather-source', 'weather-sqlite']);
  expect(count()).toEqual({ days: rows, different: rows, hottest: 35.6 });
  expect(await second.stop()).toBe(0);
  expect(processesOf(dataDir)).toEqual([]);
});

test('spec files are applied as in standalone mode and followed, beside servers that run already', { timeout: 300_000 }, async () => {
  const dataDir = join(folder, 'standalone');
  const [input, output, topic] = [join(folder, 'in.txt'), join(folder, 'out.txt'), `standalone-${process.pid}`];
  await writeFile(input, 'one\ntwo\nthree\n');
  const source = join(folder, 'source.json');
  await writeFile(source, JSON.stringify({ name: 'lines-in', config: { 'connector.class': 'FileStreamSource', file: input, topic } }));
  const sink = join(folder, 'sink.properties');
  await writeFile(sink, `name=lines-out\nconnector.class=FileStreamSink\nfile=${output}\ntopics=${topic}\n`);
  const worker = join(folder, 'worker.properties');
  const converter = 'org.apache.kafka.connect.storage.StringConverter';
  await writeFile(worker, `bootstrap.servers=${kafkaBrokers()}\nkey.converter=${converter}\nvalue.converter=${converter}\n`);

  const flags = ['--port', '0', '--data-dir', dataDir, '--dynamodb', dynamodbEndpoint(), '--worker', worker, '--no-demo'];
  const started = start([...flags, source, sink], { SLUICE_TABLE: 'standalone' });
  await started.until(/^Applied lines-out of /m);
  await expect.poll(() => readFile(output, 'utf8').catch(() => ''), { timeout: 60_000 }).toBe('one\ntwo\nthree\n');

  // Files are followed: a changed one changes its connector, a wrong one is told, and so is one that went away.
  const other = join(folder, 'other.txt');
  await writeFile(source, '{"name": "lines-in", ');
  await started.until(/source\.json is not valid JSON: .*\nThe connector 'lines-in' keeps running as it was\.$/m);
  await writeFile(`${sink}~`, `name=lines-out\nconnector.class=FileStreamSink\nfile=${other}\ntopics=${topic}\n`);
  await rename(`${sink}~`, sink);
  await started.until(/(^Applied lines-out of [^$]*){2}/m);
  await appendFile(input, 'four\n');
  await expect.poll(() => readFile(other, 'utf8').catch(() => ''), { timeout: 60_000 }).toBe('four\n');
  await writeFile(sink, `name=lines-out\nconnector.class=FileStreamSink\nfile=${other}\ntopics=a\ntopics.regex=b\n`);
  await started.until(/sink\.properties is refused \(400\): [\s\S]*topics/);
  await rm(source);
  await started.until(/source\.json is gone; its connector 'lines-in' keeps running/);
  expect(await started.stop()).toBe(0);
});

test('a spec that is refused ends everything with the message of the API', { timeout: 120_000 }, async () => {
  const spec = join(folder, 'refused.json');
  await writeFile(spec, JSON.stringify({ name: 'refused', 'connector.class': 'FileStreamSink', topics: 'a', 'topics.regex': 'b' }));
  const dataDir = join(folder, 'refused');
  const started = start(['--port', '0', '--data-dir', dataDir, '--kafka', kafkaBrokers(), '--dynamodb', dynamodbEndpoint(), '--no-demo', spec], {
    SLUICE_TABLE: 'refused',
  });
  const [code] = await once(started.child, 'exit');
  expect(code).toBe(1);
  expect(started.printed()).toMatch(/refused\.json is refused \(400\): /);
  expect(processesOf(dataDir)).toEqual([]);
});

test('listeners, basic authentication and headers are those of the worker file', { timeout: 240_000 }, async () => {
  const ports = await freePorts(['main', 'admin'] as const);
  const path = (name: string) => join(folder, name);
  await writeFile(path('credentials'), 'alice: secret\n');
  const login = 'org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule';
  await writeFile(path('jaas.conf'), `KafkaConnect { ${login} required file="${path('credentials')}"; };`);
  const converter = 'org.apache.kafka.connect.storage.StringConverter';
  const worker = {
    'bootstrap.servers': kafkaBrokers(),
    'key.converter': converter,
    'value.converter': converter,
    listeners: `http://:${ports.main}`,
    'admin.listeners': `http://127.0.0.1:${ports.admin}`,
    'rest.extension.classes': 'org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension',
    'access.control.allow.origin': '*',
    'offset.flush.intervall.ms': '5000',
  };
  await writeFile(
    path('secured.properties'),
    Object.entries(worker)
      .map((entry) => entry.join('='))
      .join('\n'),
  );
  await writeFile(
    path('waiting.json'),
    JSON.stringify({ name: 'waiting', config: { 'connector.class': 'FileStreamSource', file: path('none'), topic: 'none' } }),
  );
  const flags = ['--data-dir', path('secured'), '--dynamodb', dynamodbEndpoint(), '--worker', path('secured.properties'), '--no-demo', path('waiting.json')];
  const started = start(flags, { SLUICE_TABLE: 'secured', KAFKA_OPTS: `-Djava.security.auth.login.config=${path('jaas.conf')}` });
  await started.until(/^Applied waiting of /m);
  const url = `http://127.0.0.1:${ports.main}`;
  expect(started.printed()).toContain(`Sluice is ready on ${url}\n`);
  expect(started.printed()).toContain(`http://:${ports.main} is on 127.0.0.1 only\n`);
  expect(started.printed()).toContain('did you mean offset.flush.interval.ms?');

  const authorization = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(path, { headers });
    return [response.status, response.headers.get('access-control-allow-origin'), await response.text()];
  };
  expect(await get(`${url}/connectors`, { origin: 'http://q' })).toEqual([401, 'http://q', 'User cannot access the resource.']);
  expect(await get(`${url}/connectors`, { authorization, origin: 'http://q' })).toEqual([200, 'http://q', '["waiting"]']);
  expect((await get(`${url}/metrics`))[0]).toBe(401);
  expect((await get(`${url}/metrics`, { authorization }))[0]).toBe(200);
  expect((await get(`${url}/admin/loggers/root`, { authorization }))[0]).toBe(404);
  expect((await get(`http://127.0.0.1:${ports.admin}/admin/loggers/root`))[0]).toBe(200);
  expect((await get(`http://127.0.0.1:${ports.admin}/connectors`, { authorization }))[0]).toBe(404);
  expect(await started.stop()).toBe(0);
});
