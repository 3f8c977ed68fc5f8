import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { bundleFunctions } from '../bundle.ts';
import { readWorkerProperties } from '../local/worker-file.ts';
import { ConnectCluster } from './connect-cluster.ts';

/**
 * The app behind `cdk.json`: one stack with one Connect cluster. Context: `-c worker=FILE`, a Kafka Connect worker's
 * properties; `-c stack=NAME`; `-c authorization=none`. Where the file names no `bootstrap.servers`, the deployment asks
 * for them: `cdk deploy --parameters BootstrapServers=HOST:PORT`.
 */
const app = new App();
const context = (key: string): string | null => (app.node.tryGetContext(key) as string | undefined) ?? null;

const authorization = context('authorization') ?? 'iam';
if (authorization !== 'iam' && authorization !== 'none') throw new Error(`The context authorization must be iam or none, not ${authorization}`);
const worker = await readWorkerProperties(context('worker'));
const outDir = mkdtempSync(join(tmpdir(), 'sluice-bundles-'));
try {
  const bundles = await bundleFunctions({ outDir, minify: true });
  const stack = new Stack(app, context('stack') ?? 'Sluice', { description: 'Sluice: Kafka Connect pipelines as Lambda functions' });
  const servers = worker['bootstrap.servers'] ?? askForServers(stack);
  new ConnectCluster(stack, 'ConnectCluster', { worker: { ...worker, 'bootstrap.servers': servers }, bundles, authorization });
  app.synth();
} finally {
  rmSync(outDir, { recursive: true, force: true });
}

function askForServers(stack: Stack): string {
  const description = 'Kafka brokers, HOST:PORT separated by commas (bootstrap.servers)';
  return new CfnParameter(stack, 'BootstrapServers', { type: 'String', allowedPattern: '.+:\\d+', description }).valueAsString;
}
