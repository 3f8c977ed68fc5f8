import { App, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { ConnectCluster } from '../../infra/cdk/connect-cluster.ts';
import { Connector } from '../../infra/cdk/connector.ts';
import { KafkaAccess } from '../../infra/cdk/kafka-access.ts';
import { bundles } from './bundles.ts';

function appWith(authentication: 'basic' | 'none'): App {
  const app = new App();
  const stack = new Stack(app, 'Sluice');
  const cluster = new ConnectCluster(stack, 'ConnectCluster', {
    kafka: KafkaAccess.mskIam({ clusterArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/c/u', bootstrapServers: 'b:9098' }),
    bundles,
    secretPrefixes: ['connect/'],
    glueRegistries: ['orders'],
    authentication: { kind: authentication },
  });
  new Connector(stack, 'Lines', { cluster, config: { 'connector.class': 'FileStreamSink', topics: 't', file: '/tmp/t' } });
  new Connector(stack, 'Delivered', {
    cluster,
    config: { 'connector.class': 'FileStreamSink', topics: 'lines', file: '/tmp/t', 'sluice.trigger': 'event' },
  });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

test('a stack passes the AWS Solutions rules; what it acknowledges it gives reasons for', { timeout: 30_000 }, () => {
  expect(() => appWith('basic').synth()).not.toThrow();
});

test('the rules are looked at: an open API does not pass', { timeout: 30_000 }, () => {
  expect(() => appWith('none').synth()).toThrow(/APIG4/);
});
