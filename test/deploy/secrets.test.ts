import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { custenborderSecretsManagerConfigProvider } from '../../shared/config-providers/custenborder-secrets-manager-config-provider.ts';
import { secretsManagerConfigProvider } from '../../shared/config-providers/secrets-manager-config-provider.ts';
import { ssmParamStoreConfigProvider } from '../../shared/config-providers/ssm-param-store-config-provider.ts';
import { type Moto, provideMoto, startMoto } from './moto.ts';

const reason = await provideMoto();
const keys = (...names: string[]) => new Set(names);

describe.skipIf(reason !== null)('secrets of AWS', () => {
  let folder: string;
  let moto: Moto;
  let arn: string;
  let farArn: string;
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
    await secrets.send(new CreateSecretCommand({ Name: 'connect/binary', SecretBinary: Buffer.from('{"token": "b"}') }));
    const elsewhere = await new SecretsManagerClient({ region: 'eu-west-1' }).send(
      new CreateSecretCommand({ Name: 'connect/far', SecretString: '{"password": "far"}' }),
    );
    farArn = elsewhere.ARN as string;
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
      expect(await provider.get('connect/db', keys('username?ttl=5000', 'port?ttl=3000'))).toEqual({
        data: { 'username?ttl=5000': 'ann', 'port?ttl=3000': '5432' },
        ttlMs: 3_000,
      });
      expect(await provider.get('connect/db', keys('tls.ca'))).toEqual({ data: { 'tls.ca': 'x' } });
      expect(await provider.get('connect/binary', keys('token'))).toEqual({ data: { token: 'b' } });
      await provider.close?.();
    });

    test('of another region are read there by their ARN', async () => {
      const provider = secretsManagerConfigProvider.create({});
      await expect(provider.get('connect/far', keys('password'))).rejects.toThrow('There is no secret connect/far');
      expect(farArn).toContain(':eu-west-1:');
      expect(await provider.get(encodeURIComponent(farArn), keys('password'))).toEqual({ data: { password: 'far' } });
      await provider.close?.();
    });

    test('are read under the names and keys of the other provider that clusters have, after five minutes again', async () => {
      const provider = custenborderSecretsManagerConfigProvider.create({
        'secret.prefix': 'connect',
        'aws.region': 'us-east-1',
        'aws.access.key': 'test',
        'aws.secret.key': 'test',
        'aws.endpoint.url': moto.endpoint,
      });
      // Of what is no text, that provider leaves the reference without a value.
      expect(await provider.get('db', keys('username', 'port', 'none'))).toEqual({ data: { username: 'ann' }, ttlMs: 300_000 });
      await expect(provider.get('none', keys('password'))).rejects.toThrow("Could not find secret 'connect/none'");
      await provider.close?.();
      const limited = custenborderSecretsManagerConfigProvider.create({ 'secret.prefix': 'connect', 'secret.ttl.ms': '1000', 'allowed.prefixes': 'orders/' });
      await expect(limited.get('db', keys('username'))).rejects.toThrow('The secret connect/db may not be read');
      expect(() => custenborderSecretsManagerConfigProvider.create({ 'secret.ttl.ms': '10' })).toThrow(/secret\.ttl\.ms.*at least 1000/);
    });

    test.each([
      ['connect/none', 'password', 'There is no secret connect/none in Secrets Manager'],
      ['connect/db', 'pasword', 'The secret connect/db has no key pasword'],
      ['connect/plain', 'password', 'The secret connect/plain must be a JSON object'],
      ['connect/db?ttl=soon', 'password', '?ttl= with a number of milliseconds'],
      ['connect/db', 'password?tl=100', '?ttl= with a number of milliseconds'],
      ['connect/db', 'tls.key', 'The secret connect/db has no key tls.key'],
      ['connect/db', 'toString', 'The secret connect/db has no key toString'],
      ['connect/100%', 'password', 'must be percent-encoded'],
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
      expect(await provider.get('', keys(`${key}:1`))).toEqual({ data: { [`${key}:1`]: 'swordfish' } });
      expect(await provider.get('/connect/db', keys('password'))).toEqual({ data: { password: 'swordfish' } });
      const arnKey = encodeURIComponent('arn:aws:ssm:us-east-1:123456789012:parameter/connect/db/password');
      expect(await provider.get('', keys(arnKey))).toEqual({ data: { [arnKey]: 'swordfish' } });
      await provider.close?.();
    });

    test('that are not there, or not allowed, are told by name', async () => {
      await expect(ssmParamStoreConfigProvider.create({}).get('', keys('/connect/none'))).rejects.toThrow('There is no parameter /connect/none');
      const limited = ssmParamStoreConfigProvider.create({ 'allowed.prefixes': '/orders/' });
      await expect(limited.get('', keys('/connect/db/password'))).rejects.toThrow('/connect/db/password may not be read');
      // A parameter's ARN has a slash there whether its name has or not, and one list of prefixes is for secrets, too.
      for (const prefix of ['connect/', '/connect/']) {
        const allowed = ssmParamStoreConfigProvider.create({ 'allowed.prefixes': prefix });
        expect(await allowed.get('', keys('/connect/db/password'))).toEqual({ data: { '/connect/db/password': 'swordfish' } });
      }
      expect(await ssmParamStoreConfigProvider.create({ NotFoundStrategy: 'ignore' }).get('', keys('/connect/none'))).toEqual({
        data: { '/connect/none': '' },
      });
    });
  });

  test('that cannot be reached are tried again', async () => {
    const unreachable = secretsManagerConfigProvider.create({ endpoint: 'http://127.0.0.1:1', region: 'us-east-1' });
    await expect(unreachable.get('connect/db', keys('username'))).rejects.toMatchObject({
      javaClass: 'org.apache.kafka.connect.errors.RetriableException',
      message: expect.stringMatching(/The secret connect\/db cannot be read now: .*from within a VPC/),
    });
  });

  test.each([
    ['AccessDeniedException', 'org.apache.kafka.common.config.ConfigException', "may not be read by the function's role: allow it ACTION"],
    ['ThrottlingException', 'org.apache.kafka.connect.errors.RetriableException', 'cannot be read now'],
    ['DecryptionFailure', 'org.apache.kafka.common.config.ConfigException', 'cannot be read: DecryptionFailure'],
  ])('that are refused with %s are told with what is to be done', async (type, javaClass, message) => {
    // Moto refuses in XML; the services do in this form.
    const server = createServer((_, response) => {
      response
        .writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify({ __type: type, Message: 'User: arn:aws:iam::1:role/task' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(secretsManagerConfigProvider.create({ endpoint }).get('connect/db', keys('password'))).rejects.toMatchObject({
      javaClass,
      message: expect.stringContaining(`The secret connect/db ${message.replace('ACTION', 'secretsmanager:GetSecretValue')}`),
    });
    await expect(ssmParamStoreConfigProvider.create({ endpoint }).get('', keys('/connect/db'))).rejects.toMatchObject({
      javaClass,
      message: expect.stringContaining(`The parameter /connect/db ${message.replace('ACTION', 'ssm:GetParameter')}`),
    });
  });
});
