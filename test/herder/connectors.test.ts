import { describe, expect, it } from 'vitest';
import { linesConfig, restApi, shelfConfig } from './rest.ts';

const invalid = (...errors: string[]) => ({
  error_code: 400,
  message: `Connector configuration is invalid and contains the following ${errors.length} error(s):\n${errors.join('\n')}\nYou can also find the above list of errors at the endpoint \`/connector-plugins/{connectorType}/config/validate\``,
});

describe('Creating connectors', () => {
  it('answers 201 with the place, the config as sent, and no tasks yet', async () => {
    const { call } = restApi();
    expect(await call('POST', '/connectors', { name: ' a b ', config: linesConfig })).toEqual({
      status: 201,
      headers: { location: '/connectors/a%20b' },
      body: { name: 'a b', config: { ...linesConfig, name: 'a b' }, tasks: [], type: 'source' },
    });
    expect((await call('GET', '/connectors/a%20b/config')).body).toEqual({ ...linesConfig, name: 'a b' });
  });

  it('refuses a name that is taken, whatever its config', async () => {
    const { call } = restApi();
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    expect(await call('POST', '/connectors', { name: 'a', config: shelfConfig })).toEqual({
      status: 409,
      body: { error_code: 409, message: 'Connector a already exists' },
    });
  });

  it('tells everything that is wrong with a config, and creates nothing', async () => {
    const { call } = restApi();
    const { body } = await call('POST', '/connectors', { name: 'a\nb', config: { 'connector.class': 'LinesSource', 'tasks.max': 'two' } });
    expect(body).toEqual(
      invalid(
        'Invalid value a\nb for configuration name: String may not contain control sequences but had the following ASCII chars: 10',
        'Invalid value two for configuration tasks.max: Not a number of type INT',
        'Invalid value null for configuration tasks.max: Value must be non-null',
        'Missing required configuration "topic" which has no default value.',
      ),
    );
    expect((await call('GET', '/connectors')).body).toEqual([]);
  });

  it('says which connectors there are when the class is unknown', async () => {
    const { call } = restApi();
    const { status, body } = await call('POST', '/connectors', { name: 'a', config: { 'connector.class': 'nope' } });
    expect(status).toBe(400);
    expect((body as { message: string }).message).toMatch(
      /^Failed to find any class that implements Connector and which name matches nope, available connectors are: PluginDesc\{klass=class example\.LinesSourceConnector, /,
    );
  });

  it('starts in the state that was asked for, in any case of letters', async () => {
    const { call } = restApi();
    for (const [name, initial_state, state] of [
      ['r', 'running', 'UNASSIGNED'],
      ['p', 'PAUSED', 'PAUSED'],
      ['s', 'Stopped', 'STOPPED'],
    ]) {
      await call('POST', '/connectors', { name, config: linesConfig, initial_state });
      expect((await call('GET', `/connectors/${name}/status`)).body).toMatchObject({ connector: { state }, tasks: [] });
    }
  });

  it('takes JSON numbers and booleans as the texts that were sent', async () => {
    const { call } = restApi();
    const { body } = await call('PUT', '/connectors/n/config', '{"connector.class":"LinesSource","topic":"t","batch.size":5,"real":1.50,"flag":true}');
    expect(body).toMatchObject({ config: { 'batch.size': '5', real: '1.50', flag: 'true', name: 'n' } });
  });

  it.each([
    ['{"name":"x"', 'not JSON'],
    ['', 'it is empty'],
    ['[]', 'JSON object'],
    ['{"name":"x","config":{"a":{"b":1}}}', "value of 'a'"],
    ['{"name":"x","config":{},"colour":"red"}', '"colour"'],
    ['{"name":"x","config":{},"initial_state":"UNASSIGNED"}', 'RUNNING, PAUSED or STOPPED'],
  ])('answers 400 to the body %s and says what would be right', async (body, hint) => {
    const { call } = restApi();
    const response = await call('POST', '/connectors', body);
    expect(response.status).toBe(400);
    expect((response.body as { message: string }).message).toContain(hint);
  });
});

describe('Changing configs', () => {
  it('creates with PUT, then replaces under a new generation', async () => {
    const { call, table } = restApi();
    expect((await call('PUT', '/connectors/a/config', linesConfig)).status).toBe(201);
    expect(await call('PUT', '/connectors/a/config', { ...linesConfig, 'batch.size': '7' })).toMatchObject({
      status: 200,
      body: { config: { 'batch.size': '7' } },
    });
    expect(table.spec('a').generation).toBe(2);
  });

  it('leaves tasks alone when the same config comes again', async () => {
    const { call, table } = restApi();
    await call('PUT', '/connectors/a/config', linesConfig);
    await call('PUT', '/connectors/a/config', linesConfig);
    expect(table.spec('a').generation).toBe(1);
  });

  it('refuses a config of another name, and null values by name', async () => {
    const { call } = restApi();
    expect((await call('PUT', '/connectors/a/config', { ...linesConfig, name: 'b' })).body).toEqual({
      error_code: 400,
      message: "Connector name configuration (b) doesn't match connector name in the URL (a)",
    });
    expect((await call('PUT', '/connectors/a/config', { ...linesConfig, x: null })).body).toEqual(
      invalid('Null value can not be supplied as the configuration value.'),
    );
    // The validation takes it for a key of the connector's own; nothing that is stored may be null.
    expect((await call('PUT', '/connectors/a/config', { ...linesConfig, secret: null })).body).toEqual({
      error_code: 400,
      message: "Null value can not be supplied as the configuration value: leave 'secret' out, or give it a text",
    });
  });

  it('tells what is wrong with a patched version as the real worker does, and with a patched class by the class of its error', async () => {
    const { call } = restApi();
    await call('PUT', '/connectors/a/config', linesConfig);
    const message = async (patch: object) => ((await call('PATCH', '/connectors/a/config', patch)).body as { message: string }).message;
    expect(await message({ 'connector.plugin.version': '[1,' })).toBe('Unbounded range: [1,');
    expect(await message({ 'connector.class': 'Nope' })).toMatch(/^org\.apache\.kafka\.connect\.errors\.ConnectException: Failed to find any class/);
  });

  it('patches: sets keys, and removes those that are null', async () => {
    const { call } = restApi();
    await call('PUT', '/connectors/a/config', { ...linesConfig, old: '1' });
    const { status, body } = await call('PATCH', '/connectors/a/config', { old: null, 'batch.size': 9 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ config: { ...linesConfig, name: 'a', 'batch.size': '9' } });
    expect((body as { config: object }).config).not.toHaveProperty('old');
  });

  it('tries again when somebody else was faster, and gives up with a 409 that clients know', async () => {
    const { call, table } = restApi();
    await call('PUT', '/connectors/a/config', linesConfig);
    let times = 2;
    table.beforeUpdate = () => {
      if (times-- > 0) table.touch('a');
    };
    expect((await call('PUT', '/connectors/a/pause')).status).toBe(202);
    expect(table.spec('a').targetState).toBe('PAUSED');
    table.beforeUpdate = () => table.touch('a');
    expect(await call('PUT', '/connectors/a/resume')).toEqual({
      status: 409,
      body: {
        error_code: 409,
        message: 'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)',
      },
    });
  });
});

describe('A connector that is not there', () => {
  it.each([
    ['GET', '/connectors/ghost', 'Connector ghost not found'],
    ['GET', '/connectors/ghost/config', 'Connector ghost not found'],
    ['GET', '/connectors/ghost/status', 'No status found for connector ghost'],
    ['GET', '/connectors/ghost/tasks', 'Connector ghost not found'],
    ['GET', '/connectors/ghost/tasks/0/status', 'No status found for task ghost-0'],
    ['PUT', '/connectors/ghost/pause', 'Unknown connector ghost'],
    ['PUT', '/connectors/ghost/stop', 'Unknown connector ghost'],
    ['POST', '/connectors/ghost/restart', 'Unknown connector: ghost'],
    ['POST', '/connectors/ghost/restart?includeTasks=true', 'Unknown connector: ghost'],
    ['POST', '/connectors/ghost/tasks/0/restart', 'Unknown connector: ghost'],
    ['GET', '/connectors/ghost/offsets', 'Connector ghost not found'],
    ['DELETE', '/connectors/ghost', 'Connector ghost not found'],
  ])('%s %s is 404', async (method, path, message) => {
    expect(await restApi().call(method, path)).toEqual({ status: 404, body: { error_code: 404, message } });
  });

  it('has no topics, and they can be reset', async () => {
    const { call } = restApi();
    expect(await call('GET', '/connectors/ghost/topics')).toEqual({ status: 200, body: { ghost: { topics: [] } } });
    expect(await call('PUT', '/connectors/ghost/topics/reset')).toEqual({ status: 202 });
  });
});
