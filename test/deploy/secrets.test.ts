import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { secretsManagerConfigProvider } from '../../shared/config-providers/secrets-manager-config-provider.ts';
import { ssmParamStoreConfigProvider } from '../../shared/config-providers/ssm-param-store-config-provider.ts';
import { type Moto, provideMoto, startMoto } from './moto.ts';

const reason = await provideMoto();
const keys = (...names: string[]) => new Set(names);

describe.skipIf(reason !== null)('secrets of AWS', () => {
  let folder: string;
  let moto: Moto;
  let arn: string;
  const saved = { ...process.env };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-aws-secrets-'));
    moto = await startMoto(join(folder, 'moto.log'));
    Object.assign(process.env, moto.env);
    const secrets = new SecretsManagerClient({});
    const { ARN } = await secrets.send(
      new CreateSecretCommand({ Name: 'connect/db', SecretString: '{"username": "ann", "password": "pä$$", "port": 5432, "tls": {"ca": "x"}}' }),
    );
    arn = ARN as string;
    await secrets.send(new CreateSecretCommand({ Name: 'connect/plain', SecretString: 'hunter2' }));
    await secrets.send(new CreateSecretCommand({ Name: 'kafka', SecretString: '{"password": "p"}' }));
    const ssm = new SSMClient({});
    await ssm.send(new PutParameterCommand({ Name: '/connect/db/password', Value: 'swordfish', Type: 'SecureString' }));
  }, 60_000);
  afterAll(async () => {
    await moto?.stop();
    process.env = saved;
    await rm(folder, { recursive: true, force: true });
  });

  describe('in Secrets Manager', () => {
    test('are read by name or ARN, numbers as texts, objects as JSON, for as long as the reference says', async () => {
      const provider = secretsManagerConfigProvider.create({});
      const data = { username: 'ann', password: 'pä$$', port: '5432', tls: '{"ca":"x"}' };
      expect(await provider.get('connect/db', keys('username', 'password', 'port', 'tls'))).toEqual({ data });
      expect(await provider.get(encodeURIComponent(arn), keys('username'))).toEqual({ data: { username: 'ann' } });
      expect(await provider.get('connect/db?ttl=60000', keys('username'))).toEqual({ data: { username: 'ann' }, ttlMs: 60_000 });
      await provider.close?.();
    });

    test.each([
      ['connect/none', 'password', 'There is no secret connect/none in Secrets Manager'],
      ['connect/db', 'pasword', 'The secret connect/db has no key pasword'],
      ['connect/plain', 'password', 'The secret connect/plain must be a JSON object'],
      ['connect/db?ttl=soon', 'password', '?ttl= with a number of milliseconds'],
    ])('%s: what is wrong is told without the value', async (path, key, message) => {
      const failed = await secretsManagerConfigProvider
        .create({})
        .get(path, keys(key))
        .then(
          () => 'no error',
          (error: Error) => error.message,
        );
      expect(failed).toContain(message);
      expect(failed).not.toContain('hunter2');
    });

    test('that are not there are empty when that is asked for', async () => {
      const provider = secretsManagerConfigProvider.create({ NotFoundStrategy: 'ignore' });
      expect(await provider.get('connect/none', keys('password'))).toEqual({ data: { password: '' } });
      expect(await provider.get('connect/db', keys('pasword'))).toEqual({ data: { pasword: '' } });
    });

    test('connectors may ask for only by the prefixes that are allowed, also by ARN', async () => {
      const provider = secretsManagerConfigProvider.create({ 'allowed.prefixes': 'connect/, orders/' });
      expect(await provider.get('connect/db', keys('username'))).toEqual({ data: { username: 'ann' } });
      expect(await provider.get(encodeURIComponent(arn), keys('username'))).toEqual({ data: { username: 'ann' } });
      await expect(provider.get('kafka', keys('password'))).rejects.toThrow(
        /kafka may not be read: .* connect\/ or orders\/ .*sluice\.secrets\.allowed\.prefixes/,
      );
      await expect(secretsManagerConfigProvider.create({ 'allowed.prefixes': '' }).get('connect/db', keys('username'))).rejects.toThrow('none may be read');
    });
  });

  describe('in the Parameter Store', () => {
    test('are read decrypted, by their names', async () => {
      const provider = ssmParamStoreConfigProvider.create({});
      const key = '/connect/db/password';
      expect(await provider.get('', keys(key))).toEqual({ data: { [key]: 'swordfish' } });
      expect(await provider.get('', keys(`${key}?ttl=1000`))).toEqual({ data: { [`${key}?ttl=1000`]: 'swordfish' }, ttlMs: 1000 });
      await provider.close?.();
    });

    test('that are not there, or not allowed, are told by name', async () => {
      await expect(ssmParamStoreConfigProvider.create({}).get('', keys('/connect/none'))).rejects.toThrow('There is no parameter /connect/none');
      const limited = ssmParamStoreConfigProvider.create({ 'allowed.prefixes': '/orders/' });
      await expect(limited.get('', keys('/connect/db/password'))).rejects.toThrow('/connect/db/password may not be read');
    });
  });

  test('that cannot be reached are tried again', async () => {
    const unreachable = secretsManagerConfigProvider.create({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1' });
    await expect(unreachable.get('connect/db', keys('username'))).rejects.toMatchObject({ javaClass: 'org.apache.kafka.connect.errors.RetriableException' });
  });
});
