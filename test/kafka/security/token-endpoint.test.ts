import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isRetriable } from '../../../shared/connect/errors.ts';
import { saslSettings, type TokenLogin } from '../../../shared/kafka/security/sasl-options.ts';
import { TokenEndpoint } from '../../kit/token-endpoint.ts';

const endpoint = new TokenEndpoint({ id: 'sluice', secret: 'hunter2' });
beforeAll(() => endpoint.start());
afterAll(() => endpoint.stop());
beforeEach(() => {
  endpoint.lifetimeSeconds = 3600;
  endpoint.failWith = undefined;
  endpoint.opaque = false;
});
afterEach(() => vi.useRealTimers());

function tokensOf(rest: Record<string, string> = {}, secret = 'hunter2') {
  const config = {
    'sasl.mechanism': 'OAUTHBEARER',
    'sasl.jaas.config': `OAuthBearerLoginModule required clientId="sluice" clientSecret="${secret}" scope="read write" extension_logicalCluster="lkc-1";`,
    'sasl.oauthbearer.token.endpoint.url': endpoint.tokenUrl,
    ...rest,
  };
  return (saslSettings(config, ['one:9092']) as TokenLogin).tokens;
}

describe('a token of client credentials', () => {
  it('is asked for with the scope, and comes with the extensions', async () => {
    const token = await tokensOf()();
    expect(Object.fromEntries(endpoint.lastForm)).toEqual({ grant_type: 'client_credentials', scope: 'read write' });
    expect(token.expiresAt - token.issuedAt).toBe(3_600_000);
    expect(token.extensions).toEqual({ logicalCluster: 'lkc-1' });
  });

  it('has keys of its own before those of the login module', async () => {
    const tokens = tokensOf({ 'sasl.oauthbearer.client.credentials.client.secret': 'hunter2', 'sasl.oauthbearer.scope': 'admin' }, 'wrong');
    await tokens();
    expect(endpoint.lastForm.get('scope')).toBe('admin');
  });

  it('is encoded for the header when that is asked for', async () => {
    const other = new TokenEndpoint({ id: 'sluice', secret: 'hun%3Ater%2F2' });
    await other.start();
    const rest = { 'sasl.oauthbearer.token.endpoint.url': other.tokenUrl };
    await expect(tokensOf(rest, 'hun:ter/2')()).rejects.toThrow('401');
    expect((await tokensOf({ ...rest, 'sasl.oauthbearer.header.urlencode': 'true' }, 'hun:ter/2')()).value).toMatch(/^ey/);
    await other.stop();
  });

  it('is used again until shortly before its end, by all who ask at once', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const tokens = tokensOf();
    const before = endpoint.given;
    const [one, two] = await Promise.all([tokens(), tokens()]);
    expect(two).toBe(one);
    vi.setSystemTime(Date.now() + 0.79 * 3_600_000);
    expect(await tokens()).toBe(one);
    expect(endpoint.given - before).toBe(1);
    vi.setSystemTime(Date.now() + 0.07 * 3_600_000);
    expect((await tokens()).value).not.toBe(one.value);
    expect(endpoint.given - before).toBe(2);
  });

  it('is good until its end while its endpoint is out of order', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    endpoint.lifetimeSeconds = 100;
    const tokens = tokensOf();
    const token = await tokens();
    endpoint.failWith = 500;
    vi.setSystemTime(token.expiresAt - 5000);
    expect(await tokens()).toBe(token);
    vi.setSystemTime(token.expiresAt);
    await expect(tokens()).rejects.toThrow('HTTP status 500');
    endpoint.failWith = undefined;
    expect((await tokens()).value).not.toBe(token.value);
  });

  it('may end when its endpoint says so', async () => {
    endpoint.opaque = true;
    const { value, issuedAt, expiresAt } = await tokensOf()();
    expect(value).toMatch(/^opaque-/);
    expect(expiresAt - issuedAt).toBe(3_600_000);
  });
});

describe('a token endpoint', () => {
  const failure = (tokens: () => Promise<unknown>) =>
    tokens().then(
      () => null,
      (error: Error) => error,
    );

  it('that refuses is quoted without the secret, and not asked again', async () => {
    const error = await failure(tokensOf({}, 'wr0ng'));
    expect(error?.message).toMatch(/HTTP status 401: invalid_client, Client authentication failed for sluice:\[hidden\]\. Check sasl\.oauthbearer/);
    expect(isRetriable(error)).toBe(false);
  });

  it.each([429, 500, 503])('that answers %i is asked again later', async (status) => {
    endpoint.failWith = status;
    expect(isRetriable(await failure(tokensOf()))).toBe(true);
  });

  it.each([400, 403, 404])('that answers %i is not', async (status) => {
    endpoint.failWith = status;
    expect(isRetriable(await failure(tokensOf()))).toBe(false);
  });

  it('that is not there may come', async () => {
    const gone = new TokenEndpoint({ id: 'a', secret: 'b' });
    await gone.start();
    const url = `${gone.tokenUrl}?key=hunter2`;
    await gone.stop();
    const error = await failure(tokensOf({ 'sasl.oauthbearer.token.endpoint.url': url }));
    expect(error?.message).toMatch(/^The token endpoint http:\/\/127\.0\.0\.1:\d+\/token cannot be reached: .*Check sasl\.oauthbearer\.token\.endpoint\.url/);
    expect(isRetriable(error)).toBe(true);
  });
});
