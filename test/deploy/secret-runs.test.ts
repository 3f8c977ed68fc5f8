import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../bench/measure.ts';
import { openDataDir } from '../../infra/local/data-dir.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { removeFolder } from '../../infra/local/services/service-process.ts';
import { type System, startSystem } from '../../infra/local/system.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { kafkaBrokers } from '../integration/servers.ts';
import { clientOptions } from './deployment.ts';
import { type Moto, provideMoto, startMoto } from './moto.ts';

const missing = await provideMoto();
const quiet = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** What a run reads in Secrets Manager is used, and is nowhere else: the bundled functions on real Kafka and DynamoDB, Moto as AWS. */
describe.skipIf(missing !== null)('secrets of a running system', () => {
  let folder: string;
  let moto: Moto;
  let system: System;
  const topic = `secrets-${process.pid}-${Date.now()}`;
  const token = `hunter2hunter2${Date.now()}`;
  const secret = (file: string) => JSON.stringify({ path: join(folder, `${token}-${file}`), token });
  const name = 'connect/files';
  const secrets = () => new SecretsManagerClient(clientOptions(moto));

  const request = async (method: string, path: string, body?: unknown): Promise<string> => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    return (await fetch(new URL(path, system.url), init)).text();
  };
  const sink = (changes: Record<string, string>) => ({ 'connector.class': 'FileStreamSink', topics: topic, ...changes });
  const create = async (connector: string, config: Record<string, string>) => {
    expect(JSON.parse(await request('POST', '/connectors', { name: connector, config }))).toMatchObject({ config });
  };
  const status = (connector: string) => request('GET', `/connectors/${connector}/status`);
  const text = (file: string) => readFile(join(folder, `${token}-${file}`), 'utf8').catch(() => '');
  const produce = async (value: string) => {
    const clients = createKafkaClients({ 'bootstrap.servers': kafkaBrokers() }, quiet);
    await clients.producer().send([{ topic, partition: null, key: null, value: Buffer.from(value), headers: [], timestamp: null }]);
    await clients.close();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-secret-runs-'));
    moto = await startMoto(join(folder, 'moto.log'));
    await secrets().send(new CreateSecretCommand({ Name: name, SecretString: secret('1.txt') }));
    const converter = 'org.apache.kafka.connect.storage.StringConverter';
    await secrets().send(new CreateSecretCommand({ Name: 'worker/settings', SecretString: JSON.stringify({ converter }) }));
    await new SSMClient(clientOptions(moto)).send(new PutParameterCommand({ Name: '/worker/records', Value: '500', Type: 'String' }));
    const { rest } = await freePorts(['rest'] as const);
    const provider = 'com.amazonaws.kafka.config.providers';
    system = await startSystem({
      dataDir: await openDataDir(join(folder, 'data')),
      httpPort: rest,
      worker: {
        'config.providers': 'secretsmanager,ssm',
        'config.providers.secretsmanager.class': `${provider}.SecretsManagerConfigProvider`,
        'config.providers.secretsmanager.param.endpoint': moto.endpoint,
        'config.providers.ssm.class': `${provider}.SsmParamStoreConfigProvider`,
        'config.providers.ssm.param.endpoint': moto.endpoint,
        'sluice.secrets.allowed.prefixes': 'connect/',
        'key.converter': converter,
        'value.converter': '${secretsmanager:worker/settings:converter}',
        'consumer.max.poll.records': '${ssm::/worker/records}',
      },
      kafka: kafkaBrokers(),
      dynamodb: null,
      functionEnv: {},
      env: { ...process.env, DYNAMODB_ENDPOINT: '' },
      signal: new AbortController().signal,
      progress: () => {},
    });
  }, 120_000);

  afterAll(async () => {
    await system?.stop();
    await moto?.stop();
    if (folder) await removeFolder(folder);
  });

  test('of connector and worker are used, and taken anew by a warm task when their time is over', async () => {
    await produce('one');
    await create('right', sink({ file: `\${secretsmanager:${name}:path?ttl=1000}` }));
    await until('the first line', async () => (await text('1.txt')) === 'one\n');
    await secrets().send(new PutSecretValueCommand({ SecretId: name, SecretString: secret('2.txt') }));
    let sent = 0;
    await until('a line where the new secret says', async () => {
      await produce(`two ${sent++}`);
      return (await text('2.txt')).includes('two');
    });
    expect(JSON.parse(await status('right'))).toMatchObject({ connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }] });
  });

  test('are in no answer, no log, no trace and not in the table, also when a plugin fails with them', async () => {
    await create('no-folder', sink({ file: `${folder}/\${secretsmanager:${name}:token}/none/out.txt` }));
    await create('no-number', sink({ file: join(folder, 'x'), 'errors.retry.timeout': `\${secretsmanager:${name}:token}` }));
    await create('not-mine', sink({ file: '${secretsmanager:worker/settings:converter}' }));
    await create('not-there', sink({ file: '${secretsmanager:connect/none:path}' }));
    for (const connector of ['no-folder', 'no-number', 'not-mine', 'not-there'])
      await until(`${connector} to fail`, async () => (await status(connector)).includes('"FAILED"'));

    expect(await status('no-folder')).toContain(`\${secretsmanager:${name}:token}/none/out.txt`);
    expect(await status('no-number')).toContain(`Invalid value \${secretsmanager:${name}:token} for configuration errors.retry.timeout`);
    expect(await status('not-mine')).toContain('The secret worker/settings may not be read: connectors may read those that begin with connect/');
    expect(await status('not-there')).toContain('There is no secret connect/none in Secrets Manager');

    const config = sink({ name: 'right', file: `\${secretsmanager:${name}:path}`, 'tasks.max': `\${secretsmanager:${name}:token}` });
    const answers = [
      await request('PUT', '/connector-plugins/FileStreamSink/config/validate', config),
      await request('GET', '/connectors?expand=info&expand=status'),
    ];
    for (const connector of ['right', 'no-folder', 'no-number'])
      for (const path of ['', '/config', '/status', '/tasks', '/tasks-config', '/offsets', '/topics', '/tasks/0/status'])
        answers.push(await request('GET', `/connectors/${connector}${path}`));
    expect(JSON.parse(answers[0] as string)).toMatchObject({ error_count: 0 });
    for (const answer of answers) expect(answer).not.toContain(token);

    // The table, the queues and the logs are files here.
    const files = await readdir(join(folder, 'data'), { recursive: true, withFileTypes: true });
    const contents = await Promise.all(
      files.filter((each) => each.isFile()).map(async (each) => [each.name, await readFile(join(each.parentPath, each.name))] as const),
    );
    expect(contents.map(([file]) => file)).toEqual(expect.arrayContaining(['task.log', 'controller.log', 'rest-api.log']));
    expect(contents.filter(([, content]) => content.includes(`\${secretsmanager:${name}:token}`)).length).toBeGreaterThan(1);
    expect(contents.filter(([, content]) => content.includes(token)).map(([file]) => file)).toEqual([]);
  });
});
