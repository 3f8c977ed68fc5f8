import { describe, expect, test } from 'vitest';
import { requestOf } from '../../functions/rest-api/http.ts';
import { restApi } from '../herder/rest.ts';

/** An event as API Gateway's HTTP API sends it (payload 2.0): the path is decoded, the query is not. */
const httpApi = (method: string, rawPath: string, rawQueryString = '', body?: string) => ({
  version: '2.0',
  routeKey: 'ANY /{proxy+}',
  rawPath,
  rawQueryString,
  headers: {
    accept: '*/*',
    authorization: 'Basic Y29ubmVjdDpzZWNyZXQ=',
    'content-length': String(body?.length ?? 0),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    host: 'a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    'user-agent': 'curl/8.5.0',
    'x-amzn-trace-id': 'Root=1-65f1c2d3-0123456789abcdef01234567',
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-port': '443',
    'x-forwarded-proto': 'https',
  },
  requestContext: {
    accountId: '123456789012',
    apiId: 'a1b2c3d4e5',
    authorizer: { lambda: null },
    domainName: 'a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    domainPrefix: 'a1b2c3d4e5',
    http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'curl/8.5.0' },
    requestId: 'JKJaXmPLvHcESHA=',
    routeKey: 'ANY /{proxy+}',
    stage: '$default',
    time: '10/Mar/2026:05:16:23 +0000',
    timeEpoch: 1_773_119_783_000,
  },
  pathParameters: { proxy: rawPath.slice(1) },
  ...(body === undefined ? {} : { body }),
  isBase64Encoded: false,
});

/** The same of a function URL: the path comes as it was sent. */
const functionUrl = (method: string, rawPath: string) => {
  const event = httpApi(method, rawPath);
  return { ...event, routeKey: '$default', requestContext: { ...event.requestContext, domainName: 'k3xyz.lambda-url.eu-west-1.on.aws', routeKey: '$default' } };
};

/** The same of a REST API (payload 1.0). */
const restApiEvent = (httpMethod: string, path: string) => ({
  resource: '/{proxy+}',
  path,
  httpMethod,
  headers: { Accept: '*/*', Host: 'a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com' },
  multiValueHeaders: { Accept: ['*/*'] },
  queryStringParameters: { expand: 'status' },
  multiValueQueryStringParameters: { expand: ['info', 'status'] },
  pathParameters: { proxy: path.slice(1) },
  stageVariables: null,
  requestContext: { resourcePath: '/{proxy+}', httpMethod, path: `/prod${path}`, stage: 'prod', identity: { sourceIp: '203.0.113.7' } },
  body: null,
  isBase64Encoded: false,
});

/** Names that people give, and how clients send them. */
const names = [
  ['orders to S3', 'orders%20to%20S3'],
  ['bestellungen-für-köln', 'bestellungen-f%C3%BCr-k%C3%B6ln'],
  ['订单', '%E8%AE%A2%E5%8D%95'],
  ['a+b&c=d;e', 'a+b&c=d;e'],
  ['"quoted"', '%22quoted%22'],
] as const;

describe('a name in the path', () => {
  test.each(names)('%s is found through API Gateway, a function URL and a REST API', async (name, encoded) => {
    const { call, herder } = restApi();
    const config = { 'connector.class': 'example.LinesSourceConnector', topic: 'lines' };
    expect((await call('POST', '/connectors', { name, config })).status).toBe(201);
    for (const event of [
      httpApi('GET', `/connectors/${name}/config`),
      functionUrl('GET', `/connectors/${encoded}/config`),
      restApiEvent('GET', `/connectors/${encoded}/config`),
    ]) {
      const { path, method } = requestOf(event as never);
      expect([method, (await call('GET', path)).body]).toEqual(['GET', await herder.connectorConfig(name)]);
    }
  });
});

test('query and body come as they were sent', () => {
  const request = requestOf(httpApi('POST', '/connectors', 'expand=info&expand=status&x=%C3%BC', '{"name":"ü"}') as never);
  expect(request.query.getAll('expand')).toEqual(['info', 'status']);
  expect(request.query.get('x')).toBe('ü');
  expect(request.body).toBe('{"name":"ü"}');
  expect(request.headers['content-type']).toBe('application/json');
});
