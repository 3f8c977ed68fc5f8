import { Fn, SecretValue, Token } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { type EventSourceMappingOptions, SourceAccessConfigurationType } from 'aws-cdk-lib/aws-lambda';
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { NetworkProps } from './network.ts';

export interface TlsOptions {
  /** PEM certificates of the authority that signed the brokers', when it is not a public one. */
  readonly truststoreCertificates?: string;
  /** A client certificate, as event source mappings want it too: a secret with the keys `certificate` (PEM chain) and `privateKey` (PEM, PKCS 8). */
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

/** Where Lambda's pollers are put, so that they reach the brokers. */
export type PollerNetwork = Pick<NetworkProps, 'vpc' | 'subnets'> & { readonly securityGroups: readonly ISecurityGroup[] };

/** What proves to the brokers who a client is: to our own by the worker's properties, to event source mappings by a secret. */
interface Login {
  readonly type: SourceAccessConfigurationType;
  readonly secret: ISecret;
}

const { BASIC_AUTH, CLIENT_CERTIFICATE_TLS_AUTH, SASL_SCRAM_256_AUTH, SASL_SCRAM_512_AUTH, SERVER_ROOT_CA_CERTIFICATE } = SourceAccessConfigurationType;
const loginTypes = { PLAIN: BASIC_AUTH, 'SCRAM-SHA-256': SASL_SCRAM_256_AUTH, 'SCRAM-SHA-512': SASL_SCRAM_512_AUTH } as const;
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
  readonly #logins: readonly Login[];

  private constructor(options: {
    worker: Readonly<Record<string, string>>;
    secrets?: readonly ISecret[];
    statements?: readonly PolicyStatement[];
    clusterArn?: string;
    logins?: readonly Login[];
  }) {
    this.#logins = options.logins ?? [];
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
      logins: options.clientCertificate ? [{ type: CLIENT_CERTIFICATE_TLS_AUTH, secret: options.clientCertificate }] : [],
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
      logins: [{ type: loginTypes[mechanism], secret: credentials }],
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

  /**
   * How an event source mapping gets to the brokers. Throws Error for ways that mappings do not know: they need `plaintext`,
   * `tls`, `sasl` or `mskIam`.
   */
  eventSource(
    scope: Construct,
    network?: PollerNetwork,
  ): Pick<EventSourceMappingOptions, 'eventSourceArn' | 'kafkaBootstrapServers' | 'sourceAccessConfigurations'> {
    if (this.clusterArn !== null) return { eventSourceArn: this.clusterArn };
    const { 'bootstrap.servers': servers = '', 'security.protocol': protocol = 'PLAINTEXT', 'ssl.truststore.certificates': authority } = this.worker;
    if (this.#logins.length === 0 && protocol.startsWith('SASL'))
      throw new Error(
        `${scope.node.path}: an event source mapping cannot use worker properties with security.protocol=${protocol}: use KafkaAccess.sasl or KafkaAccess.mskIam`,
      );
    if (this.#logins.length === 0 && network === undefined)
      throw new Error(
        `${scope.node.path}: an event source mapping reaches brokers without authentication only in a VPC: set network, or use KafkaAccess.sasl or mskIam`,
      );
    return {
      kafkaBootstrapServers: Token.isUnresolved(servers) ? Fn.split(',', servers) : servers.split(','),
      sourceAccessConfigurations: [
        ...this.#logins.map(({ type, secret }) => ({ type, uri: secret.secretArn })),
        ...(authority === undefined ? [] : [{ type: SERVER_ROOT_CA_CERTIFICATE, uri: authoritySecret(scope, authority).secretArn }]),
        ...accessOf(network),
      ],
    };
  }
}

/** A certificate is not secret, but mappings read it from a secret. */
function authoritySecret(scope: Construct, certificates: string): ISecret {
  const secretObjectValue = { certificate: SecretValue.unsafePlainText(certificates) };
  const found = scope.node.tryFindChild('BrokerAuthority') as ISecret | undefined;
  return found ?? new Secret(scope, 'BrokerAuthority', { description: "Certificates of the authority that signed the brokers'; public", secretObjectValue });
}

function accessOf(network: PollerNetwork | undefined): { type: SourceAccessConfigurationType; uri: string }[] {
  if (network === undefined) return [];
  const { VPC_SECURITY_GROUP, VPC_SUBNET } = SourceAccessConfigurationType;
  return [
    ...network.vpc.selectSubnets(network.subnets).subnetIds.map((id) => ({ type: VPC_SUBNET, uri: `subnet:${id}` })),
    ...network.securityGroups.map(({ securityGroupId }) => ({ type: VPC_SECURITY_GROUP, uri: `security_group:${securityGroupId}` })),
  ];
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
          'ssl.keystore.key': reference(clientCertificate, 'privateKey'),
        }),
  };
}
