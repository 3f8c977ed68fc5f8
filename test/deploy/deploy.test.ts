import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand, DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openDataDir } from '../../infra/local/data-dir.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { removeFolder } from '../../infra/local/services/service-process.ts';
import { type System, startSystem } from '../../infra/local/system.ts';
import { readWorkerProperties } from '../../infra/local/worker-file.ts';
import { deploymentFunctions, functions, memoryMb } from '../../infra/topology.ts';
import { kafkaBrokers } from '../integration/servers.ts';
import { clientOptions, Deployment, type Resource, type Resources } from './deployment.ts';
import { type Moto, provideMoto, startMoto } from './moto.ts';

/**
 * A deployment with the real command line of the CDK into Moto, which acts CloudFormation, S3, Lambda and the others; what Moto
 * uploaded is then run by the Lambda host against real Kafka. Moto makes no custom resources: their requests are played by the test.
 */
const missing = await provideMoto();
if (missing !== null) console.warn(`The deployment is not tested: ${missing}`);

describe.skipIf(missing !== null)('a deployment', () => {
  let folder: string;
  let moto: Moto;
  let deployment: Deployment;
  let resources: Resources;
  let first = '';
  const path = (name: string) => join(folder, name);
  const topic = `deployed-${process.pid}-${Date.now()}`;
  const strings = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };

  const spec = (name: string, config: Record<string, string>) => writeFile(path(`pipelines/${name}.json`), JSON.stringify({ name, config }));
  const sink = (file: string) => spec('lines-sink', { 'connector.class': 'FileStreamSink', topics: topic, file: path(file), ...strings });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-deploy-'));
    await mkdir(path('pipelines'));
    await spec('lines-source', { 'connector.class': 'FileStreamSource', topic, file: path('in.txt'), ...strings });
    await sink('out.txt');
    await writeFile(path('in.txt'), 'before the deployment\n');
    moto = await startMoto(path('moto.log'));
    deployment = new Deployment(moto, folder, {
      SLUICE_BROKERS: 'broker.example:9092',
      SLUICE_API_SECRET: 'connect-api',
      SLUICE_SIZE: 'large',
      SLUICE_REMOVAL_POLICY: 'destroy',
      SLUICE_PIPELINES: path('pipelines'),
    });
    await deployment.cdk('bootstrap', 'aws://123456789012/us-east-1');
    first = await deployment.deploy();
    resources = await deployment.resources();
  }, 240_000);

  afterAll(async () => {
    await moto?.stop();
    if (folder) await removeFolder(folder);
  });

  test('makes the table, functions, queues, rule and mappings, set as the topology says', async () => {
    expect(first).toContain(`✅  ${deployment.stack}`);
    const options = clientOptions(moto);
    const [table = ''] = ((await new DynamoDBClient(options).send(new ListTablesCommand())).TableNames ?? []).filter((name) =>
      name.startsWith(deployment.stack),
    );
    const { Table } = await new DynamoDBClient(options).send(new DescribeTableCommand({ TableName: table }));
    expect(Table?.StreamSpecification).toMatchObject({ StreamEnabled: true, StreamViewType: 'NEW_IMAGE' });
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName)).toEqual(['due']);

    const made = (await new LambdaClient(options).send(new ListFunctionsCommand())).Functions ?? [];
    const ours = made.filter(({ FunctionName }) => FunctionName?.startsWith(deployment.stack));
    // Those of the topology, the authorizer, and the one for connectors.
    expect(ours).toHaveLength(5);
    for (const { name, timeoutSeconds } of functions) {
      const { MemorySize, Timeout, Runtime, Handler } = ours.find(({ FunctionName }) => FunctionName?.endsWith(`-${name}`)) ?? {};
      expect({ MemorySize, Timeout, Runtime, Handler }).toEqual({
        MemorySize: memoryMb[name].large,
        Timeout: timeoutSeconds,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
      });
    }

    const queues = (await new SQSClient(options).send(new ListQueuesCommand())).QueueUrls ?? [];
    expect(queues.filter((url) => url.includes(deployment.stack))).toHaveLength(2);
    const { Rules } = await new EventBridgeClient(options).send(new ListRulesCommand());
    expect(Rules?.map(({ ScheduleExpression, State }) => [ScheduleExpression, State])).toEqual([['rate(1 minute)', 'ENABLED']]);
    const { EventSourceMappings = [] } = await new LambdaClient(options).send(new ListEventSourceMappingsCommand());
    expect(EventSourceMappings.map(({ EventSourceArn, BatchSize }) => [EventSourceArn?.split(':')[2], BatchSize]).sort()).toEqual([
      ['dynamodb', 100],
      ['sqs', 10],
    ]);
  });

  test('of the same again changes nothing', async () => {
    expect(await deployment.deploy()).toContain('(no changes)');
  }, 60_000);

  test('with a changed spec changes that connector and nothing else', async () => {
    await sink('out-2.txt');
    await deployment.deploy();
    const after = await deployment.resources();
    onTestFinished(() => sink('out.txt'));
    const changed = Object.keys(after).filter((id) => JSON.stringify(after[id]) !== JSON.stringify(resources[id]));
    expect(changed.map((id) => after[id]?.Type)).toEqual(['Custom::KafkaConnector']);
    expect(after[changed[0] ?? '']?.Properties['Config']).toMatchObject({ file: path('out-2.txt') });
  }, 60_000);

  test('with a spec that is wrong does not begin', async () => {
    await spec('wrong', { 'connector.class': 'FileStreamSink', topics: topic, fiel: '/tmp/x' });
    onTestFinished(() => rm(path('pipelines/wrong.json')));
    await expect(deployment.deploy()).rejects.toThrow('Connector wrong, fiel: there is no such key; did you mean file?');
  }, 60_000);

  describe('whose uploaded functions run', () => {
    let system: System;
    const connectors = () => Object.entries(resources).filter(([, { Type }]) => Type === 'Custom::KafkaConnector');

    beforeAll(async () => {
      const specs = [...functions, ...deploymentFunctions.filter(({ name }) => name === 'connector-resource')];
      const bundles = Object.fromEntries(await Promise.all(specs.map(async ({ name }) => [name, await deployment.bundle(name, resources)] as const)));
      const { rest } = await freePorts(['rest'] as const);
      system = await startSystem({
        dataDir: await openDataDir(path('data')),
        httpPort: rest,
        worker: await readWorkerProperties(null),
        kafka: kafkaBrokers(),
        dynamodb: null,
        functionEnv: {},
        env: { ...process.env, DYNAMODB_ENDPOINT: '' },
        signal: new AbortController().signal,
        progress: () => {},
        bundled: { functions: specs, bundles },
      });
    }, 120_000);

    afterAll(() => system?.stop());

    /** Asks the function for a connector, as CloudFormation does, and waits for its answer. */
    async function ask(type: 'Create' | 'Update' | 'Delete', properties: Resource['Properties'], physicalId?: string) {
      const answered = Promise.withResolvers<{ Status: string; Reason?: string; PhysicalResourceId: string }>();
      const server = createServer(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        response.end();
        answered.resolve(JSON.parse(Buffer.concat(chunks).toString()));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const lambda = new LambdaClient({ endpoint: system.invokeUrl, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } });
      const event = {
        RequestType: type,
        ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer`,
        StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/s/1',
        RequestId: 'request',
        LogicalResourceId: 'Lines',
        ...(physicalId ? { PhysicalResourceId: physicalId } : {}),
        ResourceProperties: properties,
      };
      await lambda.send(new InvokeCommand({ FunctionName: 'connector-resource', Payload: JSON.stringify(event) }));
      server.close();
      return answered.promise;
    }

    const status = async (name: string) =>
      (await fetch(`${system.url}/connectors/${name}/status`)).json() as Promise<{ connector?: { state: string }; error_code?: number }>;
    const lines = async (file: string) => (await readFile(path(file), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

    test('carries a record from one file through Kafka into another, once its connectors are made', async () => {
      expect(connectors()).toHaveLength(2);
      for (const [, { Properties }] of connectors()) {
        expect(await ask('Create', Properties)).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: Properties['Name'] });
        expect((await status(String(Properties['Name']))).connector?.state).toBe('RUNNING');
      }
      await appendFile(path('in.txt'), 'after the deployment\n');
      await expect.poll(() => lines('out.txt'), { timeout: 30_000 }).toEqual(['before the deployment', 'after the deployment']);
    }, 90_000);

    test('moves a connector to its new config when the spec changes', async () => {
      const [, { Properties }] = connectors().find(([, each]) => each.Properties['Name'] === 'lines-sink') as [string, Resource];
      const changed = { ...Properties, Config: { ...(Properties['Config'] as object), file: path('out-2.txt') } };
      expect(await ask('Update', changed, 'lines-sink')).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: 'lines-sink' });
      await appendFile(path('in.txt'), 'after the change\n');
      await expect.poll(() => lines('out-2.txt'), { timeout: 30_000 }).toEqual(['after the change']);
      expect(await lines('out.txt')).toHaveLength(2);
    }, 60_000);

    test('tells CloudFormation the trace of a connector that fails, and deletes it when the stack rolls back', async () => {
      const config = { 'connector.class': 'FileStreamSink', name: 'broken', topics: topic, file: path('no-such-folder/out.txt'), ...strings };
      const failed = await ask('Create', { Name: 'broken', Config: config, State: 'STARTED', TimeoutSeconds: '60' });
      expect(failed).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'broken' });
      expect(failed.Reason).toContain("Task 0 of connector broken is FAILED: org.apache.kafka.connect.errors.ConnectException: Couldn't find or create file");
      expect(await ask('Delete', { Name: 'broken', Config: config }, failed.PhysicalResourceId)).toMatchObject({ Status: 'SUCCESS' });
      expect((await status('broken')).error_code).toBe(404);
    }, 60_000);

    test('does not take over, nor delete, a connector that somebody else made', async () => {
      const config = { 'connector.class': 'FileStreamSink', name: 'lines-sink', topics: 'other', file: path('other.txt') };
      const refused = await ask('Create', { Name: 'lines-sink', Config: config, State: 'STARTED' });
      expect(refused).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('exists already') });
      await ask('Delete', { Name: 'lines-sink', Config: config }, refused.PhysicalResourceId);
      expect((await status('lines-sink')).connector?.state).toBe('RUNNING');
    }, 60_000);

    test('deletes the connectors with the stack', async () => {
      for (const name of ['lines-source', 'lines-sink']) {
        expect(await ask('Delete', {}, name)).toMatchObject({ Status: 'SUCCESS' });
        expect((await status(name)).error_code).toBe(404);
        expect(await ask('Delete', {}, name)).toMatchObject({ Status: 'SUCCESS' });
      }
    }, 60_000);
  });

  test('that is destroyed leaves nothing', async () => {
    await deployment.cdk('destroy', '--force');
    const options = clientOptions(moto);
    const ours = (names: readonly (string | undefined)[]) => names.filter((name) => name?.includes(deployment.stack));
    expect(ours((await new DynamoDBClient(options).send(new ListTablesCommand())).TableNames ?? [])).toEqual([]);
    expect(ours(((await new LambdaClient(options).send(new ListFunctionsCommand())).Functions ?? []).map(({ FunctionName }) => FunctionName))).toEqual([]);
    expect(ours((await new SQSClient(options).send(new ListQueuesCommand())).QueueUrls ?? [])).toEqual([]);
    expect((await new EventBridgeClient(options).send(new ListRulesCommand())).Rules).toEqual([]);
    expect((await new LambdaClient(options).send(new ListEventSourceMappingsCommand())).EventSourceMappings).toEqual([]);
  }, 60_000);
});
