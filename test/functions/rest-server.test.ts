import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CredentialsFile } from '../../functions/rest-api/credentials-file.ts';
import { restSettings } from '../../functions/rest-api/rest-settings.ts';
import { allowsHost } from '../../infra/local/host-names.ts';
import { type RestServer, send, startRestServer } from '../kit/rest-server.ts';

/*
 * What is expected here was seen on a worker of Apache Kafka Connect 4.3.1 with the same properties.
 */

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function started(...args: Parameters<typeof startRestServer>): Promise<RestServer> {
  const server = await startRestServer(...args);
  stops.push(() => server.stop());
  return server;
}

/** The headers of an answer that are neither HTTP's own nor about its body. */
function extra(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const usual = ['date', 'connection', 'keep-alive', 'content-length', 'content-type', 'transfer-encoding', 'allow'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !usual.includes(name)));
}

const json = { 'content-type': 'application/json' };
const preflight = { 'access-control-request-method': 'POST' };

describe('CORS', () => {
  test('is off without access.control.allow.origin, whatever the methods', async () => {
    const off: Record<string, string>[] = [{}, { 'access.control.allow.origin': '' }, { 'access.control.allow.methods': 'GET' }];
    for (const worker of off) {
      const { url } = await started(worker);
      const answers = await Promise.all([send('GET', url, { origin: 'http://x' }), send('OPTIONS', `${url}/connectors`, { origin: 'http://x', ...preflight })]);
      expect(answers.map(({ status, headers }) => [status, extra(headers)])).toEqual([
        [200, {}],
        [200, {}],
      ]);
    }
  });

  test('lets pages of all origins read answers and errors', async () => {
    const { url } = await started({ 'access.control.allow.origin': '*' });
    expect(extra((await send('GET', url)).headers)).toEqual({ vary: 'Origin' });
    for (const origin of ['http://q', 'null']) {
      for (const [method, path] of [
        ['GET', '/'],
        ['GET', '/nope'],
        ['DELETE', '/connectors/x'],
        ['OPTIONS', '/connectors'],
      ] as const) {
        expect(extra((await send(method, url + path, { origin })).headers), path).toEqual({ vary: 'Origin', 'access-control-allow-origin': origin });
      }
    }
    const { status, headers } = await send('OPTIONS', `${url}/connectors`, { origin: 'http://q', ...preflight });
    expect([status, headers['allow']?.toString().split(',').sort()]).toEqual([200, ['GET', 'HEAD', 'OPTIONS', 'POST']]);
    expect(extra(headers)).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': 'http://q',
      'access-control-allow-methods': 'GET,POST,HEAD',
      'access-control-allow-headers': 'Content-Type',
      'access-control-max-age': '60',
    });
  });

  test('knows origins by patterns, and the methods that are named', async () => {
    const { url } = await started({
      'access.control.allow.origin': 'http://app.example,https://.*\\.other\\.example',
      'access.control.allow.methods': 'GET,PUT',
    });
    const allowed = async (origin: string) => (await send('GET', url, { origin })).headers['access-control-allow-origin'];
    for (const origin of ['http://app.example', 'https://a.other.example', 'HTTPS://A.other.example', 'http://evil.example http://app.example'])
      expect(await allowed(origin)).toBe(origin);
    for (const origin of ['http://app.example.evil', 'https://other.example', 'https://aXother.example', 'http://app.example,http://evil'])
      expect(await allowed(origin)).toBeUndefined();
    const { headers } = await send('OPTIONS', `${url}/connectors`, { origin: 'http://app.example', ...preflight });
    expect(headers['access-control-allow-methods']).toBe('GET,PUT');
    expect(extra((await send('OPTIONS', `${url}/connectors`, { origin: 'http://evil.example', ...preflight })).headers)).toEqual({ vary: 'Origin' });
  });

  test('a pattern that is none is refused by the name of the key', () => {
    expect(() => restSettings({ 'access.control.allow.origin': 'http://(' })).toThrow(
      /Invalid value http:\/\/\( for configuration access\.control\.allow\.origin/,
    );
  });
});

describe('response.http.headers.config', () => {
  test('puts its headers on each answer, with commas in quotes, and leaves those of the API alone', async () => {
    const config =
      '"add Cache-Control: no-cache, no-store, must-revalidate", add X-XSS-Protection: 1; mode=block,setDate Expires: 86400000, set X-A: b, add x-a: c, set Content-Type: text/html';
    const { url } = await started({ 'response.http.headers.config': config, 'access.control.allow.origin': '*' });
    for (const [path, status] of [
      ['/', 200],
      ['/connectors/x', 404],
      ['/nope', 404],
    ] as const) {
      const answer = await send('GET', url + path);
      expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json']);
      expect(extra(answer.headers)).toEqual({
        vary: 'Origin',
        'cache-control': 'no-cache, no-store, must-revalidate',
        'x-xss-protection': '1; mode=block',
        expires: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
        'x-a': 'b, c',
      });
      const ahead = Date.parse(answer.headers['expires'] as string) - Date.parse(answer.headers['date'] as string);
      expect(Math.round(ahead / 3_600_000)).toBe(24);
    }
  });

  test.each([
    ['nope X-A: b', "Invalid header config action: 'nope'. Expected one of [set, add, setDate, addDate]"],
    ['add', /'add' .* response\.http\.headers\.config: expected an action, a header's name, a colon and a value/],
    ['add X-A', /response\.http\.headers\.config: expected an action/],
    ['add :v', /response\.http\.headers\.config: expected an action/],
    ['add X A: v', /response\.http\.headers\.config: expected an action/],
    ['setDate Expires: soon', /setDate wants a number of milliseconds/],
  ])('%s is refused', (config, message) => {
    expect(() => restSettings({ 'response.http.headers.config': config })).toThrow(message);
  });
});

describe('admin.listeners', () => {
  const loggers = '/admin/loggers/root';
  const level = JSON.stringify({ level: 'INFO' });

  test('unset: the endpoints of /admin are beside the others', async () => {
    const { url } = await started();
    expect((await send('PUT', url + loggers, json, level)).status).toBe(200);
  });

  test('empty: there are none', async () => {
    const { url } = await started({ 'admin.listeners': '' });
    for (const path of ['/admin/loggers', loggers]) {
      expect(await send('GET', url + path)).toMatchObject({ status: 404, body: '{"error_code":404,"message":"HTTP 404 Not Found"}' });
    }
    expect((await send('PUT', url + loggers, json, level)).status).toBe(404);
    expect((await send('GET', url)).status).toBe(200);
  });

  test('set: they are there and nothing else, without the headers of the others', async () => {
    const { url, adminUrl } = await started({
      'admin.listeners': 'http://127.0.0.1:1',
      'access.control.allow.origin': '*',
      'response.http.headers.config': 'set X-A: b',
    });
    expect((await send('GET', url + loggers)).status).toBe(404);
    expect((await send('PUT', adminUrl + loggers, json, level)).status).toBe(200);
    const { status, headers } = await send('GET', adminUrl + loggers, { origin: 'http://q' });
    expect([status, extra(headers)]).toEqual([200, {}]);
    for (const path of ['/', '/connectors', '/health']) expect((await send('GET', adminUrl + path)).status).toBe(404);
  });
});

describe('Basic authentication', () => {
  async function secured(worker: Readonly<Record<string, string>> = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-credentials-'));
    stops.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'credentials.properties');
    await writeFile(path, 'alice: secret\nbob=with:colon\nempty=\n');
    const credentials = new CredentialsFile(path);
    const page = { contentType: 'text/plain', text: () => 'figures', isAllowed: (given: string | undefined) => credentials.allows(given) };
    const server = await started(worker, { credentials, pages: { '/metrics': page } });
    const as = (user: string) => ({ authorization: `Basic ${Buffer.from(user).toString('base64')}` });
    return { ...server, path, as };
  }

  test('whoever does not say the password gets 401 as the extension says it', async () => {
    const { url, as } = await secured();
    const refused = [
      {},
      as('alice:wrong'),
      as('alice:secret '),
      as('nobody:secret'),
      as('alice'),
      as(':'),
      as(''),
      { authorization: 'Basic' },
      { authorization: 'Basic !!!' },
      { authorization: 'Bearer c2VjcmV0' },
    ];
    for (const headers of refused) {
      for (const path of ['/', '/health', '/connectors', '/admin/loggers', '/connectors/x/status']) {
        const answer = await send('GET', url + path, headers);
        expect(answer, JSON.stringify(headers)).toMatchObject({ status: 401, body: 'User cannot access the resource.' });
        expect(answer.headers['content-type']).toBe('application/json');
        expect(extra(answer.headers)).toEqual({});
      }
    }
    expect(await send('PUT', `${url}/connectors/x/pause`)).toMatchObject({ status: 401 });
    expect(await send('OPTIONS', url)).toMatchObject({ status: 401 });
    expect(await send('HEAD', url)).toMatchObject({ status: 401, body: '' });
    expect((await send('GET', `${url}/metrics`)).status).toBe(401);
  });

  test('whoever says it is let in', async () => {
    const { url, as } = await secured();
    for (const headers of [
      as('alice:secret'),
      as('bob:with:colon'),
      as('empty:'),
      { authorization: as('alice:secret').authorization.replace('Basic', 'basic') },
    ])
      expect(await send('GET', `${url}/connectors`, headers)).toMatchObject({ status: 200, body: '[]' });
    expect(await send('GET', `${url}/metrics`, as('alice:secret'))).toMatchObject({ status: 200, body: 'figures' });
  });

  test('what is no endpoint, or no request to one, is told to everybody', async () => {
    const { url } = await secured();
    expect((await send('GET', `${url}/nope`)).status).toBe(404);
    expect((await send('DELETE', `${url}/connectors`)).status).toBe(405);
    expect((await send('GET', url, { accept: 'text/html' })).status).toBe(406);
    expect((await send('POST', `${url}/connectors`, { 'content-type': 'text/plain' }, 'x')).status).toBe(415);
  });

  test('a refusal has the headers that pages of other origins need, a preflight too', async () => {
    const { url } = await secured({ 'access.control.allow.origin': '*' });
    expect(extra((await send('GET', url, { origin: 'http://q' })).headers)).toEqual({ vary: 'Origin', 'access-control-allow-origin': 'http://q' });
    expect(await send('OPTIONS', `${url}/connectors`, { origin: 'http://q', ...preflight })).toMatchObject({
      status: 401,
      headers: { 'access-control-allow-methods': 'GET,POST,HEAD' },
    });
  });

  test('another password in the file counts from the next request on, and a broken file changes nothing', async () => {
    const { url, as, path } = await secured();
    await writeFile(path, 'alice: another\n');
    expect((await send('GET', url, as('alice:secret'))).status).toBe(401);
    expect((await send('GET', url, as('alice:another'))).status).toBe(200);
    await writeFile(path, '');
    expect((await send('GET', url, as('alice:another'))).status).toBe(200);
    await rm(path);
    expect((await send('GET', url, as('alice:another'))).status).toBe(200);
    expect((await send('GET', url)).status).toBe(401);
  });
});

describe('The Host header', () => {
  test('may be an address or a private name, or what the worker file advertises: not a site whose name was bent to this machine', async () => {
    const worker = { 'rest.advertised.host.name': 'Connect.example.com' };
    const { url, adminUrl } = await started(worker, { allowsHost: (host) => allowsHost(host, worker) });
    const port = new URL(url).port;
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '10.1.2.3',
      'connect',
      'sluice.localhost',
      'host.docker.internal',
      'connect-api.kafka.svc',
      'connect.example.com',
    ])
      for (const end of ['', `:${port}`]) expect((await send('GET', url, { host: host + end })).status, host).toBe(200);
    for (const host of ['evil.com', `evil.com:${port}`, 'EVIL.com.', '127.0.0.1.evil.com', 'localhost.evil.com', 'connect.example.com.evil.com']) {
      for (const target of [url, `${adminUrl}/admin/loggers`])
        expect(await send('GET', target, { host })).toMatchObject({ status: 421, body: expect.stringContaining('rest.advertised.host.name') });
    }
  });
});

describe('Limits', () => {
  test('paths, headers and bodies that are too large are refused with a body that says so', async () => {
    const { url } = await started();
    const long = 'a'.repeat(9_000);
    const named = (code: number) => ({ status: code, body: expect.stringContaining(`"error_code":${code},"message":"HTTP ${code} `) });
    expect(await send('GET', `${url}/connectors/${long}`)).toMatchObject(named(414));
    expect(await send('GET', `${url}/connectors/${long.slice(0, 5_000)}`)).toMatchObject({ status: 404 });
    expect(await send('GET', url, { 'x-long': long + long })).toMatchObject(named(431));
    expect(await send('POST', `${url}/connectors`, json, ' '.repeat(7 * 1024 * 1024))).toMatchObject(named(413));
    expect(await send('POST', `${url}/connectors`, { ...json, 'transfer-encoding': 'chunked' }, ' '.repeat(7 * 1024 * 1024))).toMatchObject(named(413));
    expect((await send('GET', url)).status).toBe(200);
  });
});

describe('Requests without a body', () => {
  test('may name any type, or none, and take any answer', async () => {
    const { url } = await started();
    const types: Record<string, string>[] = [
      {},
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' },
      { accept: 'text/plain' },
    ];
    for (const [method, path] of [
      ['PUT', 'pause'],
      ['PUT', 'resume'],
      ['PUT', 'stop'],
      ['POST', 'restart'],
      ['POST', 'tasks/0/restart'],
    ] as const) {
      for (const headers of types) {
        for (const slash of ['', '/']) expect((await send(method, `${url}/connectors/x/${path}${slash}`, headers)).status).toBe(404);
      }
    }
  });
});
