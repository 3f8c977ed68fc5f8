import { App, Duration, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { ConnectCluster, Connector, KafkaAccess } from 'sluice/cdk';

const app = new App();
const stack = new Stack(app, 'OrdersPipelines');
const alarmTopic = new Topic(stack, 'Alarms');

const cluster = new ConnectCluster(stack, 'Connect', {
  kafka: KafkaAccess.sasl('b-1.orders.example:9096,b-2.orders.example:9096', {
    credentials: Secret.fromSecretNameV2(stack, 'KafkaUser', 'AmazonMSK_connect'),
  }),
  network: { vpc: new Vpc(stack, 'Vpc', { maxAzs: 2 }) },
  secretPrefixes: ['orders/'],
  alarmTopic,
});

// A folder of CSV files that another system fills; looked at when the bucket says so, and once an hour.
const incoming = new Bucket(stack, 'Incoming', { eventBridgeEnabled: true, enforceSSL: true });
new Connector(stack, 'OrdersSource', {
  cluster,
  connectorName: 'orders-source',
  config: {
    'connector.class': 'com.github.jcustenborder.kafka.connect.spooldir.SpoolDirCsvSourceConnector',
    topic: 'orders',
    'input.path': '/mnt/incoming',
    'finished.path': '/mnt/finished',
    'error.path': '/mnt/error',
    'input.file.pattern': '.*\\.csv',
    'schema.generation.enabled': true,
    'csv.first.row.as.header': true,
    'sluice.trigger': 'event',
    'sluice.schedule': 'rate(1 hour)',
  },
  wakeOn: [{ kind: 'bucket', bucket: incoming, suffix: '.csv' }],
});

// Into PostgreSQL, each order once; the password stays in Secrets Manager.
new Connector(stack, 'OrdersSink', { cluster, file: new URL('orders-sink.json', import.meta.url).pathname, timeout: Duration.minutes(10) });

// Delivered by a Kafka event source mapping.
new Connector(stack, 'Audit', {
  cluster,
  connectorName: 'orders-audit',
  config: {
    'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
    topics: 'orders',
    file: '/tmp/audit.txt',
    'sluice.trigger': 'event',
  },
  delivery: { batchSize: 1000, batchingWindow: Duration.seconds(5) },
});
