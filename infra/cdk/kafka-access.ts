import { Fn } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

export interface TlsOptions {
  /** PEM certificates of the authority that signed the brokers', when it is not a public one. */
  readonly truststoreCertificates?: string;
  /** A client certificate: a secret with the keys `certificate` (PEM chain), `key` (PEM, PKCS 8) and, if it is encrypted, `password`. */
  readonly clientCertificate?: ISecret;
}

export interface SaslOptions extends TlsOptions {
  /** A secret with the keys `username` and `password`. MSK wants its name to begin with `AmazonMSK_`. */
  readonly credentials: ISecret;
  /** Default: SCRAM-SHA-512, which is what MSK has. */
  readonly mechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  /** Without encryption passwords of PLAIN can be read on the way. Default: true. */
  readonly tls?: boolean;
}

export interface MskOptions {
  /** ARN of the cluster: rights are given on its topics, groups and transactional ids only. */
  readonly clusterArn: string;
  /** Of the IAM listener, `b-1.….kafka.REGION.amazonaws.com:9098,…`, or an attribute of a construct that knows it. */
  readonly bootstrapServers: string;
}

const secretsProvider = 'secretsmanager';

/**
 * Where Kafka is and how the functions get in: worker properties, the secrets that these name, and the rights that it needs.
 * Values of secrets are never in the template: properties hold references that a function resolves when it starts.
 */
export class KafkaAccess {
  /** Kafka's client keys, for the worker's properties. */
  readonly worker: Readonly<Record<string, string>>;
  readonly secrets: readonly ISecret[];
  readonly statements: readonly PolicyStatement[];
  /** Set for MSK: an event source mapping names the cluster by it. */
  readonly clusterArn: string | null;

  private constructor(options: {
    worker: Readonly<Record<string, string>>;
    secrets?: readonly ISecret[];
    statements?: readonly PolicyStatement[];
    clusterArn?: string;
  }) {
    this.secrets = options.secrets ?? [];
    this.worker = {
      ...options.worker,
      ...(this.secrets.length === 0
        ? {}
        : {
            'config.providers': secretsProvider,
            [`config.providers.${secretsProvider}.class`]: 'com.amazonaws.kafka.config.providers.SecretsManagerConfigProvider',
          }),
    };
    this.statements = options.statements ?? [];
    this.clusterArn = options.clusterArn ?? null;
  }

  /** Neither encrypted nor authenticated. */
  static plaintext(bootstrapServers: string): KafkaAccess {
    return new KafkaAccess({ worker: { 'bootstrap.servers': bootstrapServers } });
  }

  /** As a worker properties file says it. */
  static properties(worker: Readonly<Record<string, string>>): KafkaAccess {
    if (!worker['bootstrap.servers']) throw new Error('The worker properties must name bootstrap.servers');
    return new KafkaAccess({ worker });
  }

  static tls(bootstrapServers: string, options: TlsOptions = {}): KafkaAccess {
    return new KafkaAccess({
      worker: { 'bootstrap.servers': bootstrapServers, 'security.protocol': 'SSL', ...tlsKeys(options) },
      secrets: options.clientCertificate ? [options.clientCertificate] : [],
    });
  }

  static sasl(bootstrapServers: string, options: SaslOptions): KafkaAccess {
    const { credentials, mechanism = 'SCRAM-SHA-512', tls = true, clientCertificate } = options;
    const loginModule = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
    const [username, password] = [reference(credentials, 'username'), reference(credentials, 'password')];
    return new KafkaAccess({
      worker: {
        'bootstrap.servers': bootstrapServers,
        'security.protocol': tls ? 'SASL_SSL' : 'SASL_PLAINTEXT',
        'sasl.mechanism': mechanism,
        'sasl.jaas.config': `org.apache.kafka.common.security.${loginModule} required username="${username}" password="${password}";`,
        ...(tls ? tlsKeys(options) : {}),
      },
      secrets: [credentials, ...(clientCertificate ? [clientCertificate] : [])],
    });
  }

  /** MSK, provisioned or serverless, by the functions' own roles. */
  static mskIam({ clusterArn, bootstrapServers }: MskOptions): KafkaAccess {
    const within = (kind: string) => `${Fn.select(0, Fn.split(':cluster/', clusterArn))}:${kind}/${Fn.select(1, Fn.split(':cluster/', clusterArn))}/*`;
    return new KafkaAccess({
      worker: {
        'bootstrap.servers': bootstrapServers,
        'security.protocol': 'SASL_SSL',
        'sasl.mechanism': 'AWS_MSK_IAM',
        'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
        'sasl.client.callback.handler.class': 'software.amazon.msk.auth.iam.IAMClientCallbackHandler',
      },
      statements: [
        new PolicyStatement({
          actions: ['kafka-cluster:Connect', 'kafka-cluster:DescribeCluster', 'kafka-cluster:WriteDataIdempotently'],
          resources: [clusterArn],
        }),
        new PolicyStatement({
          actions: ['CreateTopic', 'DescribeTopic', 'DescribeTopicDynamicConfiguration', 'ReadData', 'WriteData'].map((action) => `kafka-cluster:${action}`),
          resources: [within('topic')],
        }),
        new PolicyStatement({
          actions: ['AlterGroup', 'DescribeGroup', 'DeleteGroup'].map((action) => `kafka-cluster:${action}`),
          resources: [within('group')],
        }),
        new PolicyStatement({
          actions: ['AlterTransactionalId', 'DescribeTransactionalId'].map((action) => `kafka-cluster:${action}`),
          resources: [within('transactional-id')],
        }),
      ],
      clusterArn,
    });
  }
}

/** As Kafka's config providers write it; resolved inside a function. */
function reference(secret: ISecret, key: string): string {
  return `\${${secretsProvider}:${secret.secretName}:${key}}`;
}

function tlsKeys({ truststoreCertificates, clientCertificate }: TlsOptions): Record<string, string> {
  return {
    ...(truststoreCertificates === undefined ? {} : { 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': truststoreCertificates }),
    ...(clientCertificate === undefined
      ? {}
      : {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.certificate.chain': reference(clientCertificate, 'certificate'),
          'ssl.keystore.key': reference(clientCertificate, 'key'),
        }),
  };
}
