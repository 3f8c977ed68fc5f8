import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { ConnectCluster, type ConnectClusterProps } from '../../infra/cdk/connect-cluster.ts';
import { Connector } from '../../infra/cdk/connector.ts';
import { KafkaAccess } from '../../infra/cdk/kafka-access.ts';
import type { WakeSource } from '../../infra/cdk/wake-sources.ts';
import { bundles } from './bundles.ts';

function clusterWith(make: (stack: Stack) => Partial<ConnectClusterProps> = () => ({})): { app: App; stack: Stack; cluster: ConnectCluster } {
  const app = new App();
  const stack = new Stack(app, 'Sluice');
  const cluster = new ConnectCluster(stack, 'ConnectCluster', { kafka: KafkaAccess.plaintext('broker:9092'), bundles, ...make(stack) });
  return { app, stack, cluster };
}

const templateWith = (make?: (stack: Stack) => Partial<ConnectClusterProps>) => Template.fromStack(clusterWith(make).stack);
const memoryOf = (template: Template, name: string) =>
  Object.values(template.findResources('AWS::Lambda::Function', { Properties: { FunctionName: Match.stringLikeRegexp(`-${name}$`) } })).map(
    ({ Properties }) => Properties.MemorySize,
  );
/** Actions of all policies, with what they are allowed on. */
const statementsOf = (template: Template) =>
  Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[],
  );

describe('Kafka', () => {
  const user = (stack: Stack) => Secret.fromSecretNameV2(stack, 'User', 'AmazonMSK_orders');

  test('with a password: the template refers to the secret, and only functions that talk to Kafka may read it', () => {
    const { stack, cluster } = clusterWith((stack) => ({
      kafka: KafkaAccess.sasl('b:9096', { credentials: user(stack) }),
      worker: { 'config.providers': 'env', 'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider' },
    }));
    expect(cluster.worker).toMatchObject({
      'bootstrap.servers': 'b:9096',
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="${secretsmanager:AmazonMSK_orders:username}" password="${secretsmanager:AmazonMSK_orders:password}";',
      'config.providers': 'env,secretsmanager',
      'config.providers.secretsmanager.class': 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
    });
    const readers = statementsOf(Template.fromStack(stack)).filter(({ Action }) => [Action].flat().includes('secretsmanager:GetSecretValue'));
    // Each of the three functions, and the authorizer for its own secret.
    expect(readers).toHaveLength(4);
    expect(readers.filter(({ Resource }) => JSON.stringify(Resource).includes('AmazonMSK_orders'))).toHaveLength(3);
  });

  test('with PLAIN, without encryption, when that is said', () => {
    const { cluster } = clusterWith((stack) => ({ kafka: KafkaAccess.sasl('b:9092', { credentials: user(stack), mechanism: 'PLAIN', tls: false }) }));
    expect(cluster.worker).toMatchObject({ 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN' });
    expect(cluster.worker['sasl.jaas.config']).toContain('plain.PlainLoginModule');
  });

  test('with TLS and a client certificate', () => {
    const { cluster } = clusterWith((stack) => ({
      kafka: KafkaAccess.tls('b:9094', {
        truststoreCertificates: '-----BEGIN CERTIFICATE-----',
        clientCertificate: Secret.fromSecretNameV2(stack, 'Cert', 'cert'),
      }),
    }));
    expect(cluster.worker).toMatchObject({
      'security.protocol': 'SSL',
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.certificates': '-----BEGIN CERTIFICATE-----',
      'ssl.keystore.certificate.chain': '${secretsmanager:cert:certificate}',
      'ssl.keystore.key': '${secretsmanager:cert:privateKey}',
    });
  });

  test('as MSK with IAM: rights on this cluster, and on its topics and groups', () => {
    const clusterArn = 'arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1';
    const template = templateWith(() => ({ kafka: KafkaAccess.mskIam({ clusterArn, bootstrapServers: 'b-1:9098' }) }));
    const rights = statementsOf(template).filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kafka-cluster:')));
    expect([...new Set(rights.map(({ Resource }) => Resource))].sort()).toEqual([
      clusterArn,
      'arn:aws:kafka:eu-west-1:123456789012:group/orders/abc-1/*',
      'arn:aws:kafka:eu-west-1:123456789012:topic/orders/abc-1/*',
      'arn:aws:kafka:eu-west-1:123456789012:transactional-id/orders/abc-1/*',
    ]);
  });

  test('without servers is refused', () => {
    expect(() => KafkaAccess.properties({})).toThrow('bootstrap.servers');
  });
});

describe('a cluster', () => {
  test('comes in three sizes', () => {
    const sizes = (['small', 'medium', 'large'] as const).map((size) => {
      const template = templateWith(() => ({ size }));
      return ['rest-api', 'controller', 'task'].flatMap((name) => memoryOf(template, name));
    });
    expect(sizes).toEqual([
      [256, 256, 512],
      [512, 512, 1769],
      [1024, 1024, 3538],
    ]);
  });

  test('runs in a VPC, with endpoints when it is asked to make them', () => {
    const template = templateWith((stack) => ({
      network: {
        vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }),
        createEndpoints: true,
        subnets: {
          subnets: Vpc.fromVpcAttributes(stack, 'Known', { vpcId: 'vpc-1', availabilityZones: ['a'], isolatedSubnetIds: ['subnet-1'] }).isolatedSubnets,
        },
      },
    }));
    const functions = Object.values(template.findResources('AWS::Lambda::Function'));
    const inside = functions.filter(({ Properties }) => Properties.VpcConfig?.SubnetIds?.[0] === 'subnet-1');
    expect(inside.map(({ Properties }) => String(Properties.FunctionName).replace(/^.*[0-9A-F]{8}-/, '')).sort()).toEqual(['controller', 'rest-api', 'task']);
    const services = JSON.stringify(Object.values(template.findResources('AWS::EC2::VPCEndpoint')).map(({ Properties }) => Properties.ServiceName));
    for (const service of ['lambda', 'sqs', 'secretsmanager', 'ssm', 'sts', 'dynamodb']) expect(services).toContain(`.${service}`);
  });

  test('takes keys, retention, removal, a boundary, secrets of connectors and a bound of runs at once', () => {
    const template = templateWith((stack) => ({
      encryptionKey: new Key(stack, 'Key'),
      logRetention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
      permissionsBoundary: ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary'),
      secretPrefixes: ['connect/'],
      glueRegistries: ['orders'],
      maxConcurrentRuns: 20,
    }));
    template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete', Properties: { SSESpecification: { SSEType: 'KMS' } } });
    template.allResourcesProperties('AWS::SQS::Queue', { KmsMasterKeyId: Match.anyValue() });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 7, KmsKeyId: Match.anyValue() });
    template.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue() });
    template.hasResourceProperties('AWS::Lambda::Function', { FunctionName: Match.stringLikeRegexp('-task$'), ReservedConcurrentExecutions: 20 });
    const secrets = statementsOf(template).filter(({ Resource }) => JSON.stringify(Resource).includes(':secret:connect/*'));
    expect(secrets).toHaveLength(1);
    expect(statementsOf(template).filter(({ Resource }) => JSON.stringify(Resource).includes(':parameter/connect/*'))).toHaveLength(1);
    expect(statementsOf(template).filter(({ Resource }) => JSON.stringify(Resource).includes(':registry/orders'))).toMatchObject([
      { Action: ['glue:GetSchemaByDefinition', 'glue:RegisterSchemaVersion', 'glue:CreateSchema'] },
    ]);
    const [{ Properties: task } = { Properties: {} }] = Object.values(
      template.findResources('AWS::Lambda::Function', { Properties: { FunctionName: Match.stringLikeRegexp('-task$') } }),
    );
    expect(JSON.parse(task.Environment.Variables.SLUICE_WORKER)).toMatchObject({
      'config.providers': 'secretsmanager,ssm',
      'config.providers.ssm.class': 'com.amazonaws.kafka.config.providers.SsmParamStoreConfigProvider',
      'sluice.secrets.allowed.prefixes': 'connect/',
    });
  });

  test('gives rights to dead letter queues and buckets: who sends, who replays and who lists', () => {
    const template = templateWith(() => ({ deadLetterQueues: ['orders-dead'], deadLetterBuckets: ['orders-letters'] }));
    const [queue, bucket] = [':orders-dead', 'orders-letters/*'].map((name) =>
      statementsOf(template)
        .filter(({ Resource }) => JSON.stringify(Resource).includes(name))
        .map(({ Action }) => [Action].flat().sort().join(' '))
        .sort(),
    );
    const read = 'sqs:ChangeMessageVisibility';
    expect(queue).toEqual([
      `${read} sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage`,
      `${read} sqs:GetQueueAttributes sqs:ReceiveMessage`,
    ]);
    expect(bucket).toEqual(['s3:GetObject', 's3:GetObject s3:PutObject']);
  });

  test.each([
    [{ kind: 'iam' }, 'AWS_IAM'],
    [{ kind: 'none' }, 'NONE'],
    [{ kind: 'jwt', issuer: 'https://issuer.example', audience: ['connect'] }, 'JWT'],
  ] as const)('asks who calls the REST API by %j', (authentication, type) => {
    const template = templateWith(() => ({ authentication }));
    template.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: type });
    template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  });

  test('works on a table that is there already', () => {
    const arn = 'arn:aws:dynamodb:eu-west-1:123456789012:table/restored';
    const template = templateWith((stack) => ({
      table: Table.fromTableAttributes(stack, 'Restored', { tableArn: arn, tableStreamArn: `${arn}/stream/2026-11-23T00:00:00.000` }),
    }));
    template.resourceCountIs('AWS::DynamoDB::Table', 0);
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { EventSourceArn: `${arn}/stream/2026-11-23T00:00:00.000` });
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: Match.stringLikeRegexp('-task$'),
      Environment: { Variables: Match.objectLike({ SLUICE_TABLE: 'restored' }) },
    });
    expect(statementsOf(template).filter(({ Resource }) => JSON.stringify(Resource).includes(`${arn}/index/due`)).length).toBeGreaterThan(0);
  });

  test('has its metrics in a namespace of its own when it is given one', () => {
    const { stack, cluster } = clusterWith(() => ({ metricNamespace: 'Orders', metricsLevel: 'detailed' }));
    new Connector(stack, 'Lines', { cluster, config: { 'connector.class': 'FileStreamSink', topics: 'lines', file: '/tmp/lines' } });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::Lambda::Function', {
      FunctionName: Match.stringLikeRegexp('-task$'),
      Environment: { Variables: Match.objectLike({ POWERTOOLS_METRICS_NAMESPACE: 'Orders', SLUICE_METRICS: 'detailed' }) },
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'Orders', MetricName: 'TaskFailures' });
    const dashboard = JSON.stringify(Object.values(template.findResources('AWS::CloudWatch::Dashboard')));
    expect(dashboard).toContain('{Orders,connector}');
    expect(dashboard).not.toContain('{Sluice,connector}');
  });

  test('tells failures to a Kafka topic when it is named', () => {
    expect(clusterWith(() => ({ failureTopic: 'failures' })).cluster.worker['sluice.failures.topic']).toBe('failures');
    expect(clusterWith(() => ({})).cluster.worker['sluice.failures.topic']).toBeUndefined();
  });

  test('has alarms that say what to do, and tells them to a topic', () => {
    const template = templateWith((stack) => ({ alarmTopic: new Topic(stack, 'Alarms') }));
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties);
    expect(alarms.length).toBeGreaterThanOrEqual(8);
    for (const { AlarmDescription, AlarmActions, OKActions } of alarms) {
      expect(AlarmDescription.length).toBeGreaterThan(60);
      expect([AlarmActions.length, OKActions.length]).toEqual([1, 1]);
    }
    expect(alarms.find(({ TreatMissingData }) => TreatMissingData === 'breaching')?.MetricName).toBe('Invocations');
    const dashboard = JSON.stringify(Object.values(template.findResources('AWS::CloudWatch::Dashboard'))[0]?.['Properties'].DashboardBody);
    for (const metric of ['sink-record-lag', 'source-record-write-total', 'TaskFailures', 'dollars a day']) expect(dashboard).toContain(metric);
  });
});

describe('a connector of a stack', () => {
  const config = {
    'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector',
    topics: 'orders',
    'connection.url': 'jdbc:postgresql://db/orders',
    'tasks.max': 2,
  };

  test('is a resource that the function for connectors makes, with its alarms', () => {
    const { stack, cluster } = clusterWith();
    new Connector(stack, 'Orders', { cluster, config, timeout: Duration.minutes(2) });
    new Connector(stack, 'More', { cluster, connectorName: 'more orders', config, state: 'PAUSED', removalPolicy: RemovalPolicy.RETAIN });
    const template = Template.fromStack(stack);
    const texts = { ...config, 'tasks.max': '2' };
    template.hasResourceProperties('Custom::KafkaConnector', {
      ServiceToken: { 'Fn::GetAtt': [Match.stringLikeRegexp('ConnectorResource'), 'Arn'] },
      Name: 'Orders',
      Config: { ...texts, name: 'Orders' },
      State: 'STARTED',
      TimeoutSeconds: 120,
    });
    template.hasResource('Custom::KafkaConnector', { DeletionPolicy: 'Retain', Properties: { Name: 'more orders', State: 'PAUSED' } });
    const alarms = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmDescription: Match.stringLikeRegexp('onnector more orders') } }),
    );
    expect(alarms).toHaveLength(5);
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { FunctionName: Match.stringLikeRegexp('-connector-resource$') }, 1);
  });

  test('comes from a spec file of either form', { timeout: 120_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-specs-'));
    writeFileSync(join(folder, 'a.json'), JSON.stringify({ name: 'a', config }));
    writeFileSync(join(folder, 'b.properties'), 'name=b\nconnector.class=FileStreamSink\ntopics=t\nfile=/tmp/t\n');
    const { stack, cluster } = clusterWith();
    expect(new Connector(stack, 'A', { cluster, file: join(folder, 'a.json') }).connectorName).toBe('a');
    expect(new Connector(stack, 'B', { cluster, file: join(folder, 'b.properties') }).config).toMatchObject({ name: 'b', file: '/tmp/t' });
    expect(() => new Connector(stack, 'C', { cluster })).toThrow('either config or file');
    // Its initial state is for a connector that is created; a desired state is for every deployment.
    writeFileSync(join(folder, 'd.json'), JSON.stringify({ name: 'd', config, initial_state: 'PAUSED' }));
    new Connector(stack, 'D', { cluster, file: join(folder, 'd.json') });
    new Connector(stack, 'E', { cluster, connectorName: 'e', file: join(folder, 'd.json'), state: 'STARTED' });
    const template = Template.fromStack(stack);
    template.hasResourceProperties('Custom::KafkaConnector', { Name: 'd', InitialState: 'PAUSED', State: Match.absent() });
    template.hasResourceProperties('Custom::KafkaConnector', { Name: 'e', InitialState: Match.absent(), State: 'STARTED' });
  });

  test('with a password that is written out fails the synthesis where the cluster requires secrets, and passes with a reference', { timeout: 120_000 }, () => {
    const clear = { ...config, 'connection.password': 'hunter2' };
    const synth = (given: Record<string, string | number>, secretsRequired: boolean) => {
      const { app, stack, cluster } = clusterWith(() => ({ secretPrefixes: ['orders/'], secretsRequired }));
      new Connector(stack, 'Orders', { cluster, config: given });
      return () => app.synth();
    };
    expect(synth(clear, true)).toThrow(/Connector Orders, connection\.password: .*a config provider, such as \$\{secretsmanager:…\} or \$\{ssm:…\}/);
    expect(synth(clear, true)).not.toThrow('hunter2');
    expect(synth({ ...clear, 'connection.password': '${secretsmanager:orders/db:password}' }, true)).not.toThrow();
    expect(synth(clear, false)).not.toThrow();
  });

  test.each([
    [{ 'insert.mode': 'upsrt' }, 'Connector Orders, insert.mode: Invalid value upsrt'],
    [{ 'tasks.maxx': '1' }, 'Connector Orders, tasks.maxx: there is no such key; did you mean tasks.max?'],
    [{ topics: '' }, 'Connector Orders, topics: '],
    [{ 'connector.class': 'JdbcSnk' }, 'Connector Orders: Failed to find any class that implements Connector'],
    [
      { transforms: 'a', 'transforms.a.type': 'org.apache.kafka.connect.transforms.InsertField$Value', 'transforms.a.topic.fild': 't' },
      'transforms.a.topic.fild: there is no such key; did you mean transforms.a.topic.field?',
    ],
  ])('with %j fails the synthesis with the key and what would be right', (wrong, message) => {
    const { app, stack, cluster } = clusterWith();
    new Connector(stack, 'Orders', { cluster, config: { ...config, ...wrong } });
    expect(() => app.synth()).toThrow(message);
  });

  describe('that events trigger', () => {
    const sink = { ...config, topics: 'orders,returns', 'sluice.trigger': 'event' };
    const source = { 'connector.class': 'FileStreamSource', file: '/tmp/lines', topic: 'lines', 'sluice.trigger': 'event' };
    const mappingsOf = (template: Template) =>
      Object.values(template.findResources('AWS::Lambda::EventSourceMapping'))
        .map(({ Properties }) => Properties)
        .filter(({ Topics }) => Topics !== undefined);

    test('as a sink has a function, and a mapping for each topic, of MSK', () => {
      const clusterArn = 'arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1';
      const { stack, cluster } = clusterWith(() => ({ kafka: KafkaAccess.mskIam({ clusterArn, bootstrapServers: 'b-1:9098' }), size: 'large' }));
      const connector = new Connector(stack, 'Orders', { cluster, config: sink, delivery: { batchSize: 2000, batchingWindow: Duration.seconds(2) } });
      expect(connector.sinkEvents).not.toBeNull();
      const template = Template.fromStack(stack);
      const mappings = mappingsOf(template);
      expect(mappings.map(({ Topics }) => Topics)).toEqual([['orders'], ['returns']]);
      const groups = mappings.map(({ AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId } }) => ConsumerGroupId);
      expect(new Set(groups).size).toBe(2);
      for (const mapping of mappings)
        expect(mapping).toMatchObject({ EventSourceArn: clusterArn, StartingPosition: 'TRIM_HORIZON', BatchSize: 2000, MaximumBatchingWindowInSeconds: 2 });
      template.hasResourceProperties('AWS::Lambda::Function', {
        FunctionName: Match.stringLikeRegexp('-sink-events-[0-9a-f]{8}$'),
        MemorySize: 3538,
        Environment: { Variables: Match.objectLike({ SLUICE_CONNECTOR: 'Orders', SLUICE_FAILURE_QUEUE_URL: Match.anyValue() }) },
      });
      expect(statementsOf(template).filter(({ Action }) => [Action].flat().includes('kafka:GetBootstrapBrokers'))).toMatchObject([{ Resource: clusterArn }]);
    });

    test('as a sink of a cluster of one’s own gets the user’s secret, the authority, and the way in', () => {
      const { stack, cluster } = clusterWith((within) => ({
        kafka: KafkaAccess.sasl('a:9093,b:9093', {
          credentials: Secret.fromSecretNameV2(within, 'User', 'AmazonMSK_connect'),
          truststoreCertificates: '-----BEGIN CERTIFICATE-----',
        }),
        network: { vpc: new Vpc(within, 'Vpc', { natGateways: 1, maxAzs: 2 }) },
      }));
      new Connector(stack, 'Orders', { cluster, config: { ...sink, 'consumer.override.auto.offset.reset': 'latest' } });
      const template = Template.fromStack(stack);
      const [mapping] = mappingsOf(template);
      expect(mapping).toMatchObject({ SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['a:9093', 'b:9093'] } }, StartingPosition: 'LATEST' });
      expect(mapping?.['SourceAccessConfigurations'].map(({ Type }: { Type: string }) => Type)).toEqual([
        'SASL_SCRAM_512_AUTH',
        'SERVER_ROOT_CA_CERTIFICATE',
        'VPC_SUBNET',
        'VPC_SUBNET',
        'VPC_SECURITY_GROUP',
      ]);
    });

    test('as a source is woken by a bucket, a queue, a table, and any event', () => {
      const { stack, cluster } = clusterWith();
      const table = new Table(stack, 'Orders', { partitionKey: { name: 'id', type: AttributeType.STRING }, stream: StreamViewType.KEYS_ONLY });
      new Connector(stack, 'Lines', {
        cluster,
        config: source,
        wakeOn: [
          { kind: 'bucket', bucket: Bucket.fromBucketName(stack, 'In', 'incoming'), prefix: 'orders/', suffix: '.csv' },
          { kind: 'queue', queue: new Queue(stack, 'Doorbell') },
          { kind: 'table', table },
          { kind: 'event', pattern: { source: ['shop'] } },
        ],
      });
      const template = Template.fromStack(stack);
      const input = JSON.stringify({ kind: 'wake', connector: 'Lines' });
      template.hasResourceProperties('AWS::Events::Rule', {
        EventPattern: { source: ['aws.s3'], detail: { bucket: { name: ['incoming'] }, object: { key: [{ wildcard: 'orders/*.csv' }] } } },
        Targets: [Match.objectLike({ Input: input })],
      });
      template.hasResourceProperties('AWS::Events::Rule', { EventPattern: { source: ['shop'] }, Targets: [Match.objectLike({ Input: input })] });
      template.resourcePropertiesCountIs('AWS::Pipes::Pipe', { TargetParameters: { InputTemplate: input } }, 2);
    });

    test.each([
      [
        'a sink of topics by pattern',
        { ...config, topics: undefined, 'topics.regex': 'o.*', 'sluice.trigger': 'event' },
        {},
        'topics: an event source mapping needs',
      ],
      ['a source that looks by itself', { ...source, 'sluice.trigger': 'schedule' }, { wakeOn: [] as WakeSource[] }, null],
      ['a sink with wakeOn', sink, { wakeOn: [{ kind: 'event', pattern: { source: ['shop'] } }] as WakeSource[] }, 'wakeOn: only for a source'],
      ['a source with delivery', source, { delivery: { batchSize: 1 } }, 'delivery: only for a sink'],
    ] as const)('fails the synthesis when it cannot be so: %s', (_, given, props, message) => {
      const clusterArn = 'arn:aws:kafka:eu-west-1:123456789012:cluster/orders/abc-1';
      const { app, stack, cluster } = clusterWith(() => ({ kafka: KafkaAccess.mskIam({ clusterArn, bootstrapServers: 'b-1:9098' }) }));
      const spec = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Record<string, string>;
      new Connector(stack, 'Orders', { cluster, config: spec, ...props });
      if (message === null) expect(() => app.synth()).not.toThrow();
      else expect(() => app.synth()).toThrow(message);
    });

    test('cannot be delivered to through brokers that mappings do not reach', () => {
      const { stack, cluster } = clusterWith();
      expect(() => new Connector(stack, 'Orders', { cluster, config: sink })).toThrow('only in a VPC');
    });
  });

  test('may have keys that only its connector knows, when that is said', () => {
    const { app, stack, cluster } = clusterWith();
    new Connector(stack, 'Orders', {
      cluster,
      config: { ...config, 'my.own': 'x', 'value.converter.schemas.enable': false, 'consumer.override.max.poll.records': 9 },
      unknownKeys: 'ignore',
    });
    new Connector(stack, 'Plain', { cluster, config: { ...config, 'value.converter.schemas.enable': false, 'consumer.override.max.poll.records': 9 } });
    expect(() => app.synth()).not.toThrow();
  });
});
