import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { type LocalSluice, startLocalSluice } from '../chaos/local-sluice.ts';
import { send } from '../kit/rest-server.ts';
import { kafkaBrokers } from './servers.ts';

/*
 * What the clients of Kafka Connect call, in their order and with their headers, and what they read: each as its source has it. `toEqual`
 * refuses fields that nobody expects, as the records of kcctl and the generated classes of Kafka UI do.
 */

let local: LocalSluice;
const run = Date.now();
const converter = 'org.apache.kafka.connect.storage.StringConverter';
const converters = { 'key.converter': converter, 'value.converter': converter };
const path = (name: string) => join(local.folder, name);
const source = (name: string) => ({ 'connector.class': 'FileStreamSource', file: path(`${name}.txt`), topic: `${name}-${run}`, ...converters });
/** A task that fails: the folder is not there. */
const failing = (name: string) => ({ 'connector.class': 'FileStreamSink', file: path('no/such/folder'), topics: `${name}-${run}`, ...converters });

beforeAll(async () => {
  local = await startLocalSluice(kafkaBrokers());
}, 180_000);
afterAll(() => local?.stop());

interface Answer {
  readonly status: number;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the tests say.
  readonly json: any;
}

/** A client: what it sends with each request, and with those that have a body. */
function client(headers: Readonly<Record<string, string>>, contentType = 'application/json') {
  return async (method: string, target: string, body?: unknown): Promise<Answer> => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await send(method, local.url + target, body === undefined ? headers : { ...headers, 'content-type': contentType }, text);
    // What no client takes for "try again".
    expect([429, 502, 503, 504], `${method} ${target}`).not.toContain(answer.status);
    const json = answer.body === '' ? null : JSON.parse(answer.body);
    if ((answer.status ?? 0) >= 400) expect(json).toEqual({ error_code: answer.status, message: expect.stringMatching(/./) });
    return { status: answer.status as number, body: answer.body, json };
  };
}

const state = expect.stringMatching(/^(RUNNING|FAILED|PAUSED|UNASSIGNED|RESTARTING|STOPPED)$/);
const taskState = expect.stringMatching(/^(RUNNING|FAILED|PAUSED|UNASSIGNED|RESTARTING)$/);
const text = expect.any(String);

function expectStatus(status: Answer['json'], name: string): void {
  const trace = (each: { trace?: string }) => (each.trace === undefined ? {} : { trace: text });
  expect(status).toEqual({
    name,
    connector: { state, worker_id: text, version: text, ...trace(status.connector) },
    tasks: status.tasks.map((each: { trace?: string }) => ({ id: expect.any(Number), state: taskState, worker_id: text, version: text, ...trace(each) })),
    type: expect.stringMatching(/^(source|sink|unknown)$/),
  });
}

function expectInfo(info: Answer['json'], name: string): void {
  const tasks = info.tasks.map((_: unknown, task: number) => ({ connector: name, task }));
  expect(info).toEqual({ name, config: expect.objectContaining({ name }), tasks, type: expect.stringMatching(/^(source|sink)$/) });
  for (const value of Object.values(info.config)) expect(value).toBeTypeOf('string');
}

/** Kafka UI's enums are closed, and AKHQ draws its form of these fields. */
function expectValidation(validation: Answer['json'], name: string): void {
  expect(validation).toEqual({ name, error_count: expect.any(Number), groups: expect.any(Array), configs: expect.any(Array) });
  for (const config of validation.configs) {
    expect(config).toEqual({
      definition: {
        name: text,
        type: expect.stringMatching(/^(BOOLEAN|CLASS|DOUBLE|INT|LIST|LONG|PASSWORD|SHORT|STRING)$/),
        required: expect.any(Boolean),
        default_value: config.definition.default_value === null ? null : text,
        importance: expect.stringMatching(/^(LOW|MEDIUM|HIGH)$/),
        documentation: config.definition.documentation === null ? null : text,
        group: config.definition.group === null ? null : text,
        width: expect.stringMatching(/^(SHORT|MEDIUM|LONG|NONE)$/),
        display_name: text,
        dependents: expect.any(Array),
        order_in_group: expect.any(Number),
      },
      value: {
        name: config.definition.name,
        value: config.value.value === null ? null : text,
        recommended_values: expect.any(Array),
        errors: expect.any(Array),
        visible: expect.any(Boolean),
      },
    });
  }
}

test('kcctl', async () => {
  const call = client({ accept: 'application/json', 'user-agent': 'Quarkus REST Client' });
  const { json: info } = await call('GET', '/');
  expect(info).toEqual({ version: text, commit: text, kafka_cluster_id: text });
  const [major = 0, minor = 0] = info.version.split('.').map((part: string) => Number.parseInt(part, 10));
  // Its gate for changing offsets.
  expect(major * 100 + minor).toBeGreaterThanOrEqual(306);

  // apply: the names, then POST of name and config; both with a slash at the end.
  expect((await call('GET', '/connectors/')).json).not.toContain('kcctl');
  await writeFile(path('kcctl.txt'), 'one\n');
  const created = await call('POST', '/connectors/', { name: 'kcctl', config: source('kcctl') });
  expect(created.status).toBe(201);
  expectInfo(created.json, 'kcctl');
  expect((await call('GET', '/connectors/')).json).toContain('kcctl');
  const updated = await call('PUT', '/connectors/kcctl/config', { ...source('kcctl'), 'batch.size': '100' });
  expect(updated.status).toBe(200);
  const unknown = await call('PUT', '/connectors/kcctl/config', { 'connector.class': 'Nope' });
  expect([unknown.status, unknown.json.message]).toEqual([400, expect.stringMatching(/^Failed to find any class that implements Connector/)]);

  // get and describe.
  const expanded = (await call('GET', '/connectors?expand=info&expand=status')).json;
  expectInfo(expanded.kcctl.info, 'kcctl');
  expectStatus(expanded.kcctl.status, 'kcctl');
  await until('a task', async () => (await call('GET', '/connectors/kcctl/tasks')).json.length === 1);
  expect((await call('GET', '/connectors/kcctl/tasks')).json).toEqual([
    { id: { connector: 'kcctl', task: 0 }, config: expect.objectContaining({ file: path('kcctl.txt') }) },
  ]);
  await until('a topic', async () => (await call('GET', '/connectors/kcctl/topics')).json.kcctl.topics.length === 1);
  expect((await call('GET', '/connectors/kcctl/topics')).json).toEqual({ kcctl: { topics: [`kcctl-${run}`] } });
  expectStatus((await call('GET', '/connectors/kcctl/status')).json, 'kcctl');

  const restarted = await call('POST', '/connectors/kcctl/restart?includeTasks=true&onlyFailed=false');
  expect(restarted.status).toBe(202);
  expectStatus(restarted.json, 'kcctl');
  expect(await call('POST', '/connectors/kcctl/restart')).toMatchObject({ status: 204, body: '' });
  expect((await call('POST', '/connectors/kcctl/tasks/0/restart')).status).toBe(204);

  // offsets: of a stopped connector.
  expect((await call('PUT', '/connectors/kcctl/stop')).status).toBe(204);
  const offset = { partition: { filename: path('kcctl.txt') }, offset: { position: 0 } };
  await until('no tasks', async () => (await call('GET', '/connectors/kcctl/status')).json.tasks.length === 0);
  expect((await call('PATCH', '/connectors/kcctl/offsets', { offsets: [offset] })).json).toEqual({ message: expect.stringMatching(/successfully/) });
  expect((await call('GET', '/connectors/kcctl/offsets')).json).toEqual({ offsets: [offset] });
  expect((await call('DELETE', '/connectors/kcctl/offsets')).json).toEqual({ message: expect.stringMatching(/successfully/) });

  // plugins and loggers.
  const plugins = (await call('GET', '/connector-plugins?connectorsOnly=false')).json;
  for (const plugin of plugins) expect(plugin).toEqual({ class: text, type: text, version: plugin.version === null ? null : text });
  expect((await call('GET', '/connector-plugins/FileStreamSource/config')).json.length).toBeGreaterThan(3);
  expect((await call('PUT', '/admin/loggers/org.apache.kafka?scope=worker', { level: 'DEBUG' })).json).toContain('org.apache.kafka');
  expect((await call('GET', '/admin/loggers/org.apache.kafka')).json).toEqual({ level: 'DEBUG', last_modified: expect.any(Number) });
  expect((await call('DELETE', '/connectors/kcctl')).status).toBe(204);
}, 120_000);

test('Kafka UI', async () => {
  const call = client({ accept: 'application/json' });
  const plugins = (await call('GET', '/connector-plugins')).json as { class: string; type: string }[];
  for (const { class: name, type } of plugins) {
    expect(['source', 'sink']).toContain(type);
    const validation = await call('PUT', `/connector-plugins/${name}/config/validate`, { 'connector.class': name, name: 'ui', topics: 'any', 'tasks.max': 1 });
    expect(validation.status).toBe(200);
    expectValidation(validation.json, name);
  }
  // It looks whether there is one of the name first, and reads 404 as no.
  expect((await call('GET', '/connectors/ui')).status).toBe(404);
  // Any JSON may be a value.
  const created = await call('POST', '/connectors', { name: 'ui', config: { ...failing('ui'), 'tasks.max': 1, 'errors.log.enable': true } });
  expect([created.status, created.json.config['tasks.max'], created.json.config['errors.log.enable']]).toEqual([201, '1', 'true']);
  expect((await call('GET', '/connectors?search=ui')).json).toContain('ui');
  await until('FAILED', async () => (await call('GET', '/connectors/ui/status')).json.tasks[0]?.state === 'FAILED');
  const [task] = (await call('GET', '/connectors/ui/tasks')).json;
  const status = await call('GET', `/connectors/ui/tasks/${task.id.task}/status`);
  expect(status.json).toEqual({ id: 0, state: 'FAILED', worker_id: text, version: text, trace: expect.stringMatching(/no\/such\/folder/) });
  // Failed tasks are restarted one by one.
  expect((await call('POST', '/connectors/ui/tasks/0/restart')).status).toBe(204);
  expect((await call('POST', '/connectors/ui/restart?includeTasks=false&onlyFailed=false')).status).toBe(204);
  expect((await call('DELETE', '/connectors/ui/offsets')).json).toEqual({ error_code: 400, message: expect.stringMatching(/STOPPED/) });
  expect((await call('DELETE', '/connectors/ui')).status).toBe(204);
  expect((await call('GET', '/connectors/ui/status')).status).toBe(404);
}, 120_000);

test('AKHQ', async () => {
  const call = client({ accept: 'application/json', 'content-type': 'application/json' });
  // It asks for topics of sources too, and draws its form of the answer.
  const form = await call('PUT', '/connector-plugins/FileStreamSource/config/validate', { 'connector.class': 'FileStreamSource', topics: 'getPluginsConfig' });
  expect(form.status).toBe(200);
  expect(form.json.configs.map(({ definition }: { definition: { name: string } }) => definition.name)).toEqual(
    expect.arrayContaining(['name', 'file', 'topic', 'tasks.max']),
  );
  expect((await call('POST', '/connectors', { name: 'akhq', config: source('akhq') })).status).toBe(201);
  const expanded = (await call('GET', '/connectors?expand=info&expand=status')).json;
  expectInfo(expanded.akhq.info, 'akhq');
  expectStatus(expanded.akhq.status, 'akhq');
  for (const verb of ['pause', 'resume']) expect((await call('PUT', `/connectors/akhq/${verb}`)).status).toBe(202);
  expect((await call('POST', '/connectors/akhq/restart')).status).toBe(204);
  expect((await call('DELETE', '/connectors/akhq')).status).toBe(204);
  expect((await call('POST', '/connectors/akhq/restart')).status).toBe(404);
}, 60_000);

test('Terraform (Mongey/kafka-connect)', async () => {
  const call = client({ 'content-type': 'application/json', accept: 'application/json', 'user-agent': 'Go-http-client/1.1' });
  const config = { ...source('tf'), name: 'tf', 'tasks.max': '01', 'password.like': 'hunter2', empty: '', spaces: '  two  ', text: 'ü☃😀"\\\n' };
  expect((await call('POST', '/connectors', { name: 'tf', config })).status).toBe(201);
  // It polls; here the first answer is the one it waits for.
  expect((await call('GET', '/connectors/tf')).json.config).toEqual(config);
  const changed = { ...config, 'tasks.max': '1', 'batch.size': '7' };
  expect((await call('PUT', '/connectors/tf/config', changed)).status).toBe(200);
  expect((await call('GET', '/connectors/tf/config')).json).toEqual(changed);
  expect((await call('PUT', '/connectors/tf/pause')).status).toBe(202);
  await until('PAUSED', async () => (await call('GET', '/connectors/tf/status')).json.connector.state === 'PAUSED');
  expect((await call('PUT', '/connectors/tf/resume')).status).toBe(202);
  await until('RUNNING', async () => (await call('GET', '/connectors/tf/status')).json.connector.state === 'RUNNING');
  expect((await call('DELETE', '/connectors/tf')).status).toBe(204);
  expect((await call('GET', '/connectors/tf')).status).toBe(404);
}, 60_000);

test('Strimzi', async () => {
  const call = client({ accept: 'application/json', host: 'connect-api.kafka.svc:8083' });
  expect((await call('GET', '/health')).status).toBe(200);
  expect((await call('GET', '/connector-plugins')).status).toBe(200);
  // Something to read: a sink that has nothing to do is not started again.
  await writeFile(path('strimzi.txt'), 'one\n');
  expect((await call('PUT', '/connectors/strimzi-in/config', source('strimzi'))).status).toBe(201);
  await until('a record', async () => (await call('GET', '/connectors/strimzi-in/topics')).json['strimzi-in'].topics.length === 1);
  const stopped = await call('POST', '/connectors', { name: 'strimzi', config: failing('strimzi'), initial_state: 'STOPPED' });
  expect(stopped.status).toBe(201);
  expect((await call('GET', '/connectors/strimzi/status')).json.connector.state).toBe('STOPPED');
  // Offsets are listed into a ConfigMap.
  expect(await call('GET', '/connectors/strimzi/offsets')).toMatchObject({ status: 200, json: { offsets: [] } });
  expect((await call('DELETE', '/connectors/strimzi/offsets')).status).toBe(200);
  expect(await call('PUT', '/connectors/strimzi/resume')).toMatchObject({ status: 202, body: '' });

  // Automatic restart: it sees FAILED, and restarts what failed.
  const failed = async () => (await call('GET', '/connectors/strimzi/status')).json.tasks.some((task: { state: string }) => task.state === 'FAILED');
  await until('FAILED', failed, 60_000);
  for (let attempt = 0; attempt < 2; attempt++) {
    const restarted = await call('POST', '/connectors/strimzi/restart?includeTasks=true&onlyFailed=true');
    expect(restarted.status).toBe(202);
    expectStatus(restarted.json, 'strimzi');
    expect(restarted.json.tasks.map((task: { state: string }) => task.state)).toEqual(['RESTARTING']);
    await until('FAILED again', failed, 60_000);
  }
  // Corrected, as by a new spec.
  const corrected = { ...failing('strimzi'), file: path('strimzi-out.txt') };
  expect((await call('PUT', '/connectors/strimzi/config', corrected)).status).toBe(200);
  await until('the record', async () => (await readFile(path('strimzi-out.txt'), 'utf8').catch(() => '')) === 'one\n');
  expect((await call('GET', '/connectors/strimzi/status')).json.tasks[0].state).toBe('RUNNING');
  await until('its topic', async () => (await call('GET', '/connectors/strimzi/topics')).json.strimzi.topics[0] === `strimzi-${run}`);
  expect((await call('PUT', '/connectors/strimzi/pause')).status).toBe(202);
  expect((await call('POST', '/connectors/strimzi/tasks/0/restart')).status).toBe(204);
  expect((await call('PUT', '/connectors/strimzi/stop')).status).toBe(204);
  expect((await call('PUT', '/admin/loggers/org.apache.kafka?scope=cluster', { level: 'WARN' })).status).toBe(204);
  for (const name of ['strimzi', 'strimzi-in']) expect((await call('DELETE', `/connectors/${name}`)).status).toBe(204);
  expect((await call('GET', '/connectors/strimzi/status')).status).toBe(404);
}, 240_000);

test('kafka-connect-py', async () => {
  const call = client({ accept: '*/*', 'accept-encoding': 'gzip, deflate', 'user-agent': 'python-requests/2.32.3' });
  expect((await call('PUT', '/connectors/py/config', failing('py'))).status).toBe(201);
  await until('FAILED', async () => (await call('GET', '/connectors?expand=status')).json.py.status.tasks[0]?.state === 'FAILED', 60_000);
  // Booleans as Python writes them.
  expect(await call('POST', '/connectors/py/restart?includeTasks=False&onlyFailed=False')).toMatchObject({ status: 204, body: '' });
  const restarted = await call('POST', '/connectors/py/restart?includeTasks=True&onlyFailed=True');
  expect([restarted.status, restarted.json.tasks[0].state]).toEqual([202, 'RESTARTING']);
  expect((await call('POST', '/connectors/nobody/restart?includeTasks=True&onlyFailed=False')).status).toBe(404);
  expect((await call('POST', '/connectors/py/tasks/0/restart')).status).toBe(204);
  expect((await call('PUT', '/connectors/py/topics/reset')).status).toBe(202);
  expect((await call('GET', '/connector-plugins?connectorsOnly=False')).json.some(({ type }: { type: string }) => type === 'transformation')).toBe(true);
  expect((await call('DELETE', '/connectors/py')).status).toBe(204);
}, 120_000);

test('Redpanda Console (cloudhut/connect-client)', async () => {
  const call = client({ accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'go-resty/2.13.1' });
  expect((await call('POST', '/connectors', { name: 'console', config: source('console') })).status).toBe(201);
  // After a change of the config it restarts connector and tasks.
  expect((await call('PUT', '/connectors/console/config', { ...source('console'), 'batch.size': '5' })).status).toBe(200);
  expect((await call('POST', '/connectors/console/restart?includeTasks=true&onlyFailed=false')).status).toBe(202);
  const expanded = (await call('GET', '/connectors?expand=info&expand=status')).json;
  expectInfo(expanded.console.info, 'console');
  expectStatus(expanded.console.status, 'console');
  expect((await call('GET', '/connectors/console/topics')).json.console).toEqual({ topics: expect.any(Array) });
  expect((await call('PUT', '/connectors/console/topics/reset')).status).toBe(202);
  const validation = await call('PUT', '/connector-plugins/FileStreamSource/config/validate', source('console'));
  expectValidation(validation.json, 'FileStreamSource');
  expect((await call('DELETE', '/connectors/console')).status).toBe(204);
}, 60_000);

test('JulieOps', async () => {
  const call = client({ accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'Java-http-client/17' });
  const added = await call('PUT', '/connectors/julie/config', source('julie'));
  expect([added.status, added.json.name]).toEqual([201, 'julie']);
  expectInfo((await call('GET', '/connectors?expand=info')).json.julie.info, 'julie');
  expect((await call('GET', '/connectors/julie/status')).json.connector.state).toEqual(state);
  expect((await call('PUT', '/connectors/julie/pause')).status).toBe(202);
  expect((await call('DELETE', '/connectors/julie/')).status).toBe(204);
  expect((await call('GET', '/connectors/julie/status')).json.message).toMatch(/julie/);
}, 60_000);

test('the Prometheus exporter', async () => {
  const call = client({ 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' });
  expect((await call('PUT', '/connectors/exported/config', source('exported'))).status).toBe(201);
  await until('a running task', async () => (await call('GET', '/connectors/exported/status')).json.tasks[0]?.state === 'RUNNING');
  for (const name of (await call('GET', '/connectors')).json) {
    const { connector, tasks } = (await call('GET', `/connectors/${name}/status`)).json;
    expect([connector.state.toLowerCase(), tasks[0].id, tasks[0].state.toLowerCase(), tasks[0].worker_id]).toEqual(['running', 0, 'running', text]);
  }
  expect((await call('DELETE', '/connectors/exported')).status).toBe(204);
}, 60_000);

describe('Several at once', () => {
  test('every write is done whole, or is a conflict to be tried again', async () => {
    const call = client({ accept: '*/*' });
    expect((await call('PUT', '/connectors/many/config', source('many'))).status).toBe(201);
    const config = (writer: number) => ({ ...source('many'), 'batch.size': String(100 + writer), writer: String(writer) });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, writer) =>
        writer % 4 === 3 ? call('PUT', '/connectors/many/pause') : call('PUT', '/connectors/many/config', config(writer)),
      ),
    );
    for (const { status } of answers) expect([200, 202, 409]).toContain(status);
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    const { json } = await call('GET', '/connectors/many/config');
    expect(json).toEqual({ ...config(Number(json.writer)), name: 'many' });
    const creations = await Promise.all(Array.from({ length: 5 }, () => call('POST', '/connectors', { name: 'once', config: source('once') })));
    expect(creations.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
    for (const name of ['many', 'once']) expect((await call('DELETE', `/connectors/${name}`)).status).toBe(204);
  }, 60_000);
});
