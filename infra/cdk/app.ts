import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { App, CfnParameter, type Environment, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { bundleDeployment } from '../bundle.ts';
import { parseConnectorFile } from '../local/spec-files.ts';
import { readWorkerProperties } from '../local/worker-file.ts';
import type { Size } from '../topology.ts';
import { ConnectCluster } from './connect-cluster.ts';
import { Connector } from './connector.ts';
import { KafkaAccess, type SaslOptions } from './kafka-access.ts';
import type { NetworkProps } from './network.ts';
import type { Authentication } from './rest-api.ts';

/**
 * The app behind `cdk.json`: one stack with one Connect cluster, and a connector for every spec in the folder `pipelines`.
 * Each setting is context (`-c size=large`) or a variable of the environment (`SLUICE_SIZE=large`); docs/deploy.md lists them.
 */
const app = new App();
const authentications = ['basic', 'iam', 'none', 'jwt'] as const;
const sizes = ['small', 'medium', 'large'] as const;
const metricsLevels = ['standard', 'detailed', 'off'] as const;
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

const outDir = mkdtempSync(join(tmpdir(), 'sluice-bundles-'));
try {
  const [worker, bundles] = await Promise.all([readWorkerProperties(setting('worker')), bundleDeployment({ outDir, minify: true })]);
  const vpc = setting('vpc');
  const stack = new Stack(app, setting('stack') ?? 'Sluice', {
    description: 'Sluice: Kafka Connect pipelines as Lambda functions',
    // A VPC is looked up in the account that the CLI is signed in to.
    ...(vpc === null ? {} : { env: currentEnvironment() }),
  });
  const topic = setting('alarm-topic');
  const namespace = setting('metric-namespace');
  const removal = setting('removal-policy');
  const cluster = new ConnectCluster(stack, 'ConnectCluster', {
    kafka: kafkaOf(stack, worker),
    worker,
    bundles,
    size: oneOf('size', sizes) ?? ('medium' satisfies Size),
    authentication: authenticationOf(stack),
    secretPrefixes: list('secret-prefixes'),
    secretsRequired: oneOf('secrets-required', ['true', 'false'] as const) === 'true',
    glueRegistries: list('glue-registries'),
    deadLetterQueues: list('dead-letter-queues'),
    deadLetterBuckets: list('dead-letter-buckets'),
    ...tableOf(stack),
    ...(vpc === null ? {} : { network: networkOf(stack, vpc) }),
    metricsLevel: oneOf('metrics', metricsLevels) ?? 'standard',
    ...(namespace === null ? {} : { metricNamespace: namespace }),
    ...(topic === null ? {} : { alarmTopic: Topic.fromTopicArn(stack, 'AlarmTopic', topic) }),
    ...(removal === null
      ? {}
      : { removalPolicy: oneOf('removal-policy', ['retain', 'destroy'] as const) === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN }),
  });
  for (const file of pipelines(setting('pipelines') ?? 'pipelines')) {
    const { name } = parseConnectorFile(file, readFileSync(file, 'utf8'));
    new Connector(stack, `Connector-${name}`, { cluster, file });
  }
  app.synth();
} finally {
  rmSync(outDir, { recursive: true, force: true });
}

function setting(key: string): string | null {
  const value = (app.node.tryGetContext(key) as string | undefined) ?? process.env[`SLUICE_${key.toUpperCase().replaceAll('-', '_')}`];
  return value === undefined || value === '' ? null : String(value);
}

function oneOf<Value extends string>(key: string, values: readonly Value[]): Value | null {
  const value = setting(key);
  if (value === null) return null;
  if (!values.includes(value as Value)) throw new Error(`${key} must be one of ${values.join(', ')}, not ${value}`);
  return value as Value;
}

function list(key: string): string[] {
  return (setting(key) ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** MSK by its ARN, brokers with a user's secret, what the worker file says, or brokers that the deployment is asked for. */
function kafkaOf(stack: Stack, worker: Readonly<Record<string, string>>): KafkaAccess {
  const servers = setting('brokers') ?? worker['bootstrap.servers'] ?? askForServers(stack);
  const clusterArn = setting('msk');
  if (clusterArn !== null) return KafkaAccess.mskIam({ clusterArn, bootstrapServers: servers });
  const secret = setting('kafka-secret');
  if (secret !== null) {
    const mechanism: SaslOptions['mechanism'] = oneOf('kafka-mechanism', mechanisms) ?? 'SCRAM-SHA-512';
    return KafkaAccess.sasl(servers, { credentials: Secret.fromSecretNameV2(stack, 'KafkaSecret', secret), mechanism });
  }
  return KafkaAccess.properties({ ...worker, 'bootstrap.servers': servers });
}

function askForServers(stack: Stack): string {
  const description = 'Kafka brokers, HOST:PORT separated by commas (bootstrap.servers)';
  return new CfnParameter(stack, 'BootstrapServers', { type: 'String', allowedPattern: '.+:\\d+', description }).valueAsString;
}

function authenticationOf(stack: Stack): Authentication {
  const kind = oneOf('authentication', authentications) ?? 'basic';
  const secret = setting('api-secret');
  if (kind === 'basic' && secret !== null) return { kind, secret: Secret.fromSecretNameV2(stack, 'ApiSecret', secret) };
  if (kind !== 'jwt') return { kind };
  const [issuer, audience] = [setting('jwt-issuer'), list('jwt-audience')];
  if (issuer === null || audience.length === 0) throw new Error('authentication=jwt needs jwt-issuer and jwt-audience');
  return { kind, issuer, audience };
}

/** A table that was restored from a backup, and the stream that it was given. */
function tableOf(stack: Stack): { table?: ITable } {
  const [tableName, tableStreamArn] = [setting('table'), setting('table-stream')];
  if (tableName === null) return {};
  if (tableStreamArn === null) throw new Error('table needs table-stream, the ARN of its stream: aws dynamodb describe-table --query Table.LatestStreamArn');
  return { table: Table.fromTableAttributes(stack, 'Table', { tableName, tableStreamArn }) };
}

function networkOf(stack: Stack, vpcId: string): NetworkProps {
  return { vpc: Vpc.fromLookup(stack, 'Vpc', { vpcId }), createEndpoints: setting('vpc-endpoints') === 'true' };
}

function currentEnvironment(): Environment {
  const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
  if (!account || !region) throw new Error('vpc needs credentials of the account that it is in: the CLI is not signed in');
  return { account, region };
}

/** Spec files of a folder, in the order of their names; none when there is no such folder. */
function pipelines(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => ['.json', '.properties'].includes(extname(name)))
    .sort()
    .map((name) => join(folder, name));
}
