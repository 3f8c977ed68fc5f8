import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SaslSettings, saslSettings, type TokenLogin } from '../../../shared/kafka/security/sasl-options.ts';

const servers = ['one:9092'];
const jaas = (options: string, name = 'scram.ScramLoginModule') => `org.apache.kafka.common.security.${name} required ${options};`;
const bearer = (options: string) => ({ 'sasl.mechanism': 'OAUTHBEARER', 'sasl.jaas.config': jaas(options, 'oauthbearer.OAuthBearerLoginModule') });
const token = async (settings: SaslSettings) => (settings as TokenLogin).tokens();
const partsOf = (value: string) => value.split('.').map((part) => part && JSON.parse(Buffer.from(part, 'base64url').toString()));

describe('logins', () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'scram-sha-512'])('by %s have a name and a password', (mechanism) => {
    expect(saslSettings({ 'sasl.mechanism': mechanism, 'sasl.jaas.config': jaas('username="ali\\"ce" password="se=cret;"') }, servers)).toEqual({
      mechanism: mechanism.toUpperCase(),
      named: mechanism.toUpperCase(),
      username: 'ali"ce',
      password: 'se=cret;',
    });
  });

  const endpoint = { 'sasl.oauthbearer.token.endpoint.url': 'https://issuer.example.com/token' };
  it.each([
    [{}, 'Invalid value GSSAPI for configuration sasl.mechanism: String must be one of: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM'],
    [{ 'sasl.mechanism': 'PLAIN' }, 'Missing required configuration "sasl.jaas.config"'],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': jaas('user="a" password="hunter2"') }, 'with username="..."'],
    [{ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': jaas('username="a"') }, 'with password="..."'],
    [{ 'sasl.mechanism': 'SCRAM-SHA-256', 'sasl.jaas.config': jaas('username="a" password="hunter2" tokenauth="true"') }, 'delegation tokens'],
    [bearer('scope="x"'), 'unsecuredLoginStringClaim_sub'],
    [bearer('unsecuredLoginStringClaim_sub="a" unsecuredLoginNumberClaim_n="hunter2"'), 'unsecuredLoginNumberClaim_n is not a number'],
    [bearer('unsecuredLoginStringClaim_sub="a" unsecuredLoginStringClaim_exp="1"'), "Cannot explicitly set the 'exp' claim"],
    [{ ...bearer('clientSecret="hunter2"'), ...endpoint }, 'sasl.oauthbearer.client.credentials.client.id, or clientId="..."'],
    [{ ...bearer('clientId="a"'), ...endpoint }, 'sasl.oauthbearer.client.credentials.client.secret, or clientSecret="..."'],
    [{ ...bearer('clientId="a" clientSecret="hunter2" extension_auth="x"'), ...endpoint }, 'Extension name auth is invalid'],
    [
      { ...bearer('clientId="a" clientSecret="hunter2"'), 'sasl.oauthbearer.token.endpoint.url': 'issuer' },
      'sasl.oauthbearer.token.endpoint.url: It should be an',
    ],
    [{ ...bearer('clientId="a"'), 'sasl.oauthbearer.token.endpoint.url': 'https://a:hunter2@b/' }, 'no user and no password in it'],
    [
      { ...bearer('clientId="a"'), 'sasl.login.callback.handler.class': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler' },
      'Missing required configuration "sasl.oauthbearer.token.endpoint.url"',
    ],
    [
      { ...bearer('clientId="a"'), 'sasl.login.callback.handler.class': 'com.example.Handler' },
      'Invalid value com.example.Handler for configuration sasl.login.callback',
    ],
    [
      { ...bearer('clientId="a"'), ...endpoint, 'sasl.oauthbearer.jwt.retriever.class': 'org.apache.kafka.common.security.oauthbearer.JwtBearerJwtRetriever' },
      'for configuration sasl.oauthbearer.jwt.retriever.class',
    ],
    [
      { 'sasl.mechanism': 'AWS_MSK_IAM', 'sasl.jaas.config': 'IAMLoginModule required awsRoleExternalId="hunter2";' },
      'The option awsRoleExternalId is not supported',
    ],
  ])('of %j are refused naming the key, without a secret', (config, message) => {
    const refused = () => saslSettings(config as Record<string, string>, servers);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow('hunter2');
  });
});

describe('unsecured tokens', () => {
  it('have the claims of the login module', async () => {
    const options =
      'unsecuredLoginStringClaim_sub="alice" unsecuredLoginNumberClaim_level="2.5" unsecuredLoginListClaim_scope=",read,write" unsecuredLoginLifetimeSeconds="60" unsecuredLoginExtension_traceId="7"';
    const { value, issuedAt, expiresAt, extensions } = await token(saslSettings(bearer(options), servers));
    expect(partsOf(value)).toEqual([{ alg: 'none' }, { sub: 'alice', level: 2.5, scope: ['read', 'write'], iat: issuedAt / 1000, exp: expiresAt / 1000 }, '']);
    expect(expiresAt - issuedAt).toBe(60_000);
    expect(extensions).toEqual({ traceId: '7' });
  });

  it('live for an hour, and may have another claim for the principal', async () => {
    const options = 'unsecuredLoginPrincipalClaimName="upn" unsecuredLoginStringClaim_upn="alice"';
    const { issuedAt, expiresAt } = await token(saslSettings(bearer(options), servers));
    expect(expiresAt - issuedAt).toBe(3_600_000);
  });
});

describe('tokens from a file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-token-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const claims = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('last as long as they say', async () => {
    const path = join(folder, 'token.jwt');
    const now = Math.floor(Date.now() / 1000);
    const jwt = `e30.${claims({ iat: now, exp: now + 100 })}.c2ln`;
    await writeFile(path, `${jwt}\n`);
    const config = { 'sasl.mechanism': 'OAUTHBEARER', 'sasl.oauthbearer.token.endpoint.url': pathToFileURL(path).href };
    expect(await token(saslSettings(config, servers))).toEqual({ value: jwt, issuedAt: now * 1000, expiresAt: (now + 100) * 1000, extensions: {} });
  });

  it('are refused without being quoted when they are no tokens', async () => {
    const path = join(folder, 'other');
    const config = { 'sasl.mechanism': 'OAUTHBEARER', 'sasl.oauthbearer.token.endpoint.url': pathToFileURL(path).href };
    await expect(token(saslSettings(config, servers))).rejects.toThrow('The file cannot be read (ENOENT)');
    await writeFile(path, 'hunter2\x01auth=Bearer');
    await expect(token(saslSettings(config, servers))).rejects.toThrow(
      /^The token from sasl\.oauthbearer\.token\.endpoint\.url is not one that OAUTHBEARER can carry$/,
    );
    await writeFile(path, 'hunter2');
    await expect(token(saslSettings(config, servers))).rejects.toThrow(/^The token from \S+ does not say when it ends: [^2]+$/);
  });
});
