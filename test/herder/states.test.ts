import { describe, expect, it } from 'vitest';
import { linesConfig, restApi } from './rest.ts';

async function running(tasks = 2) {
  const api = restApi();
  await api.call('POST', '/connectors', { name: 'a', config: linesConfig });
  api.table.plan(
    'a',
    Array.from({ length: tasks }, (_, task) => ({ ...linesConfig, task: String(task) })),
  );
  const states = async () => {
    const { connector, tasks } = (await api.call('GET', '/connectors/a/status')).body as { connector: { state: string }; tasks: { state: string }[] };
    return [connector.state, ...tasks.map(({ state }) => state)];
  };
  return { ...api, states };
}

describe('States of a connector and its tasks', () => {
  it('are RUNNING once they are planned, whether a run is under way or not, in the order of properties that Kafka Connect has', async () => {
    const { call } = await running(1);
    expect(JSON.stringify((await call('GET', '/connectors/a/status')).body)).toBe(
      '{"name":"a","connector":{"state":"RUNNING","worker_id":"worker-1","version":"1.2.0"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"worker-1","version":"1.2.0"}],"type":"source"}',
    );
    expect((await call('GET', '/connectors/a/tasks')).body).toEqual([{ id: { connector: 'a', task: 0 }, config: { ...linesConfig, task: '0' } }]);
  });

  it('are PAUSED when the run under way has ended', async () => {
    const { call, table, states } = await running();
    table.changeTask('a', 1, { lease: { owner: 'run-1', epoch: 1, expiresAt: 2_000 } });
    await call('PUT', '/connectors/a/pause');
    expect(await states()).toEqual(['PAUSED', 'PAUSED', 'RUNNING']);
    table.changeTask('a', 1, { lease: { owner: 'run-1', epoch: 1, expiresAt: 500 } });
    expect(await states()).toEqual(['PAUSED', 'PAUSED', 'PAUSED']);
  });

  it('keep a failure of a task with its trace, also while the connector is paused', async () => {
    const { call, table, states } = await running();
    table.changeTask('a', 0, { state: 'FAILED', trace: 'java.lang.Exception: no' });
    await call('PUT', '/connectors/a/pause');
    expect(await states()).toEqual(['PAUSED', 'FAILED', 'PAUSED']);
    expect((await call('GET', '/connectors/a/tasks/0/status')).body).toMatchObject({ state: 'FAILED', trace: 'java.lang.Exception: no' });
  });

  it('show no tasks of a stopped connector, even before they are gone', async () => {
    const { call, states } = await running();
    expect(await call('PUT', '/connectors/a/stop')).toEqual({ status: 204 });
    expect(await states()).toEqual(['STOPPED']);
    expect((await call('GET', '/connectors/a')).body).toMatchObject({ tasks: [] });
    expect((await call('POST', '/connectors/a/tasks/0/restart')).status).toBe(404);
  });

  it('are UNASSIGNED between a new config and its plan', async () => {
    const { call, states } = await running();
    await call('PUT', '/connectors/a/config', { ...linesConfig, 'batch.size': '1' });
    expect(await states()).toEqual(['RUNNING', 'UNASSIGNED', 'UNASSIGNED']);
  });

  it('tell the failure of the connector itself', async () => {
    const { call, table } = await running(0);
    table.failConnector('a', 'ConnectException: no such host');
    expect((await call('GET', '/connectors/a/status')).body).toMatchObject({ connector: { state: 'FAILED', trace: 'ConnectException: no such host' } });
  });

  it('come with expand, which leaves out what it does not know', async () => {
    const { call } = await running(1);
    const { body } = await call('GET', '/connectors?expand=info&expand=status');
    expect(body).toMatchObject({ a: { info: { name: 'a', type: 'source' }, status: { connector: { state: 'RUNNING' } } } });
    expect((await call('GET', '/connectors?expand=nope')).body).toEqual({ a: {} });
    expect((await call('GET', '/connectors')).body).toEqual(['a']);
  });
});

describe('Resuming', () => {
  it('plans a connector anew that was stopped, also when it was paused in between', async () => {
    const { call, table } = await running();
    await call('PUT', '/connectors/a/stop');
    table.plan('a', []);
    await call('PUT', '/connectors/a/pause');
    const before = table.spec('a').generation;
    await call('PUT', '/connectors/a/resume');
    expect(table.spec('a')).toMatchObject({ targetState: 'STARTED', generation: before + 1 });
  });

  it('finds no tasks when a connector was stopped and paused at once', async () => {
    const { call, table, clock, states } = await running();
    await call('PUT', '/connectors/a/stop');
    clock.sleep = async () => table.plan('a', []);
    await call('PUT', '/connectors/a/pause');
    expect(await states()).toEqual(['PAUSED']);
  });

  it('keeps the tasks of a connector that was paused', async () => {
    const { call, table } = await running();
    await call('PUT', '/connectors/a/pause');
    await call('PUT', '/connectors/a/resume');
    expect(table.spec('a').generation).toBe(1);
  });
});

describe('Restarting', () => {
  it('answers 204 without a body unless tasks or failures are asked for', async () => {
    const { call, table } = await running();
    expect(await call('POST', '/connectors/a/restart?includeTasks=maybe&onlyFailed=')).toEqual({ status: 204 });
    expect(table.spec('a').generation).toBe(2);
  });

  it('marks what it restarts in the answer', async () => {
    const { call } = await running();
    const { status, body } = await call('POST', '/connectors/a/restart?includeTasks=True&onlyFailed=False');
    expect(status).toBe(202);
    expect(body).toMatchObject({ connector: { state: 'RESTARTING' }, tasks: [{ state: 'RESTARTING' }, { state: 'RESTARTING' }] });
  });

  it('restarts only the tasks that failed', async () => {
    const { call, table } = await running();
    table.changeTask('a', 1, { state: 'FAILED', trace: 'no' });
    const { body } = await call('POST', '/connectors/a/restart?includeTasks=true&onlyFailed=true');
    expect(body).toMatchObject({ connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }, { state: 'RESTARTING', trace: 'no' }] });
    expect([table.task('a', 0).state, table.task('a', 1).state]).toEqual(['RUNNING', 'RESTARTING']);
    expect(table.spec('a').generation).toBe(1);
  });

  it('leaves a failed task alone when only the connector is meant', async () => {
    const { call, table } = await running();
    table.changeTask('a', 1, { state: 'FAILED' });
    await call('POST', '/connectors/a/restart?onlyFailed=true');
    expect(table.task('a', 1).state).toBe('FAILED');
  });

  it('knows tasks by number', async () => {
    const { call } = await running();
    expect(await call('POST', '/connectors/a/tasks/1/restart')).toEqual({ status: 204 });
    expect((await call('POST', '/connectors/a/tasks/5/restart')).body).toEqual({ error_code: 404, message: 'Unknown task: a-5' });
    expect((await call('POST', '/connectors/a/tasks/x/restart')).body).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
  });
});
