import { describe, expect, it } from 'vitest';
import { requestOf, resultOf } from '../../functions/rest-api/http.ts';
import { linesConfig, restApi } from './rest.ts';

const error = (status: number, reason: string) => ({ status, body: { error_code: status, message: `HTTP ${status} ${reason}` } });

describe('The REST API as HTTP', () => {
  it('says which Kafka Connect it is, for clients that read what they may ask', async () => {
    const { call } = restApi();
    expect(JSON.stringify(await call('GET', '/'))).toBe('{"status":200,"body":{"version":"4.3.1","commit":"sluice","kafka_cluster_id":"cluster-1"}}');
  });

  it('is healthy while the controller looks', async () => {
    const { call, table, clock } = restApi();
    expect(await call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'healthy' } });
    table.heartbeatAt = null;
    expect(await call('GET', '/health')).toMatchObject({ status: 503, body: { status: 'starting' } });
    table.heartbeatAt = clock.now() - 600_000;
    expect(await call('GET', '/health')).toMatchObject({ status: 500, body: { status: 'unhealthy' } });
  });

  it('knows its paths with and without a slash at the end', async () => {
    const { call } = restApi();
    expect((await call('GET', '/connectors/')).status).toBe(200);
    expect(await call('GET', '/Connectors')).toEqual(error(404, 'Not Found'));
    expect(await call('GET', '/connectors/x/tasks-config')).toEqual(error(404, 'Not Found'));
  });

  it('tells of a patch without a body that there is no such connector, as Kafka Connect does', async () => {
    const { call } = restApi();
    const missing = { status: 404, body: { error_code: 404, message: 'Connector x not found' } };
    expect(await call('PATCH', '/connectors/x/config')).toEqual(missing);
    expect(await call('PATCH', '/connectors/x/config', null)).toEqual(missing);
    await call('PUT', '/connectors/x/config', linesConfig);
    expect((await call('PATCH', '/connectors/x/config')).status).toBe(400);
  });

  it('refuses methods, media types and answers that it does not have', async () => {
    const { call } = restApi();
    expect(await call('DELETE', '/connectors')).toEqual(error(405, 'Method Not Allowed'));
    expect(await call('FOO', '/connectors')).toEqual(error(405, 'Method Not Allowed'));
    expect(await call('GET', '/', undefined, { accept: 'text/html' })).toEqual(error(406, 'Not Acceptable'));
    expect((await call('GET', '/', undefined, { accept: 'text/html, */*;q=0.1' })).status).toBe(200);
    expect(await call('POST', '/connectors', {}, { 'content-type': 'text/plain' })).toEqual(error(415, 'Unsupported Media Type'));
    expect(await call('POST', '/connectors', {}, { 'content-type': '' })).toEqual(error(415, 'Unsupported Media Type'));
    expect((await call('POST', '/connectors', {}, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(400);
    expect((await call('PUT', '/connectors/x/pause')).status).toBe(404);
  });

  it('takes a byte order mark before JSON', async () => {
    const { call } = restApi();
    expect((await call('POST', '/connectors', `\ufeff${JSON.stringify({ name: 'a', config: linesConfig })}`)).status).toBe(201);
  });

  it('answers OPTIONS and HEAD', async () => {
    const { call } = restApi();
    expect(await call('OPTIONS', '/connectors')).toEqual({ status: 200, headers: { 'content-type': 'application/json', allow: 'GET,HEAD,OPTIONS,POST' } });
    expect(await call('HEAD', '/')).toEqual({ status: 200, headers: { 'content-type': 'application/json' } });
  });

  it('refuses paths that can be read in two ways', async () => {
    const { call } = restApi();
    for (const path of ['//', '/connectors//config', '/connectors/a%2Fb', '/connectors/a%5cb', '/connectors/a%25b', '/connectors/a%07b', '/connectors/%']) {
      expect((await call('GET', path)).status).toBe(400);
    }
  });

  it.each([
    ['ünï', '/connectors/%C3%BCn%C3%AF'],
    ['q?x', '/connectors/q%3Fx'],
    ['semi;colon', '/connectors/semi;colon'],
    ['plus+sign', '/connectors/plus+sign'],
    ['per%cent', '/connectors/per%cent'],
    ['"quo\'te"', "/connectors/%22quo'te%22"],
  ])('encodes the name %s in its place as Kafka Connect does', async (name, location) => {
    const { call } = restApi();
    expect((await call('POST', '/connectors', { name, config: linesConfig })).headers).toEqual({ location });
  });

  it('tells AWS that is busy as a conflict, which clients try again, and other failures as 500', async () => {
    const { call, table } = restApi();
    table.storage.connectors.list = async () => {
      throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    };
    expect(await call('GET', '/connectors')).toMatchObject({ status: 409 });
    table.storage.connectors.list = async () => {
      throw new Error('broken');
    };
    expect(await call('GET', '/connectors')).toEqual({ status: 500, body: { error_code: 500, message: 'broken' } });
  });
});

describe('Plugins', () => {
  it('are listed with sinks first, connectors only unless all are asked for', async () => {
    const { call } = restApi();
    expect((await call('GET', '/connector-plugins')).body).toEqual([
      { class: 'example.ShelfSinkConnector', type: 'sink', version: '2.0.0' },
      { class: 'example.LinesSourceConnector', type: 'source', version: '1.2.0' },
    ]);
    const all = (await call('GET', '/connector-plugins?connectorsOnly=false')).body as { type: string }[];
    expect(all.map(({ type }) => type)).toEqual([
      'sink',
      'source',
      'transformation',
      'transformation',
      'transformation',
      'predicate',
      'converter',
      'header_converter',
    ]);
  });

  it('tell their keys, connectors their own first', async () => {
    const { call } = restApi();
    const keys = (await call('GET', '/connector-plugins/LinesSource/config')).body as { name: string }[];
    expect(keys.slice(0, 4).map(({ name }) => name)).toEqual(['topic', 'batch.size', 'secret', 'name']);
    expect((await call('GET', '/connector-plugins/example.Wrap%24Key/config')).body).toMatchObject([{ name: 'zone' }, { name: 'field' }]);
    expect((await call('GET', '/connector-plugins/nope/config')).body).toEqual({ error_code: 404, message: 'Unknown plugin nope.' });
  });

  it('are validated under a short name in the path, not the other way round', async () => {
    const { call } = restApi();
    expect((await call('PUT', '/connector-plugins/LinesSource/config/validate', linesConfig)).status).toBe(200);
    expect(
      (await call('PUT', '/connector-plugins/example.LinesSourceConnector/config/validate', { ...linesConfig, 'connector.class': 'LinesSource' })).body,
    ).toEqual({
      error_code: 400,
      message: 'Included connector type LinesSource does not match request type example.LinesSourceConnector',
    });
    expect((await call('PUT', '/connector-plugins/LinesSource/config/validate', {})).body).toEqual({
      error_code: 400,
      message: 'Connector config {} contains no connector type',
    });
  });
});

describe('Loggers', () => {
  it('have levels that can be set for the cluster', async () => {
    const { call } = restApi();
    expect((await call('GET', '/admin/loggers/my.logger')).body).toEqual({ error_code: 404, message: 'Logger my.logger not found.' });
    expect(await call('PUT', '/admin/loggers/my.logger', { level: 'debug' })).toEqual({ status: 200, body: ['my.logger'] });
    expect((await call('GET', '/admin/loggers/my.logger')).body).toEqual({ level: 'DEBUG', last_modified: 1_000 });
    expect(await call('PUT', '/admin/loggers/my?scope=cluster', { level: 'WARN' })).toEqual({ status: 204 });
    expect((await call('GET', '/admin/loggers/my.logger')).body).toMatchObject({ level: 'WARN' });
    expect(await call('PUT', '/admin/loggers/my.logger', { level: 'warn' })).toEqual({ status: 200, body: [] });
    expect((await call('PUT', '/admin/loggers/my.logger', { level: 5 })).body).toEqual({ error_code: 404, message: "invalid log level '5'." });
    expect((await call('PUT', '/admin/loggers/my.logger', {})).body).toEqual({
      error_code: 400,
      message: "Desired 'level' parameter was not specified in request.",
    });
  });
});

describe('Events of API Gateway', () => {
  const v2 = {
    version: '2.0',
    rawPath: '/prod/connectors/a b',
    rawQueryString: 'expand=info&expand=status',
    headers: { 'Content-Type': 'application/json' },
    body: Buffer.from('{"ä":1}').toString('base64'),
    isBase64Encoded: true,
    requestContext: { stage: 'prod', domainName: 'abc.execute-api.eu-west-1.amazonaws.com', http: { method: 'PUT' } },
  };

  it('are read in version 2, without the stage, with bodies in base64', () => {
    const request = requestOf(v2 as never);
    expect(request).toMatchObject({ method: 'PUT', path: '/connectors/a%20b', body: '{"ä":1}', headers: { 'content-type': 'application/json' } });
    expect(request.query.getAll('expand')).toEqual(['info', 'status']);
  });

  it('are read in version 1', () => {
    const v1 = { httpMethod: 'GET', path: '/connectors', headers: null, multiValueQueryStringParameters: { expand: ['info', 'status'] }, body: null };
    const request = requestOf(v1 as never);
    expect(request).toMatchObject({ method: 'GET', path: '/connectors', body: '', headers: {} });
    expect(request.query.getAll('expand')).toEqual(['info', 'status']);
  });

  it('are answered without a body where there is none, and with whole numbers as they are', () => {
    expect(resultOf({ status: 204 })).toEqual({ statusCode: 204, headers: {} });
    expect(resultOf({ status: 200, body: { position: 9007199254740993n } })).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: '{"position":9007199254740993}',
    });
  });
});
