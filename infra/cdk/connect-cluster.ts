import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { CfnOutput, Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, type ITable, ProjectionType, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { type IManagedPolicy, ManagedPolicy, PermissionsBoundary, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Code, FilterCriteria, FilterRule, Function as LambdaFn, RecursiveLoop, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  type AnyFunctionName,
  deploymentFunctions,
  environment,
  type FunctionName,
  type FunctionSpec,
  functions,
  memoryMb,
  type QueueName,
  queues,
  type Size,
  table as tableKeys,
  triggers,
} from '../topology.ts';
import { acknowledgeWildcard } from './acknowledge-wildcard.ts';
import { ConnectAlarms } from './alarms.ts';
import { ConnectMetrics } from './connect-metrics.ts';
import { ConnectDashboard } from './dashboard.ts';
import { grantDeadLetters } from './dead-letter-access.ts';
import type { KafkaAccess } from './kafka-access.ts';
import { addEndpoints, type NetworkProps } from './network.ts';
import { type Authentication, RestApi } from './rest-api.ts';
import { shippedBundles } from './shipped-bundles.ts';
import { workerProperties } from './worker-properties.ts';

export interface ConnectClusterProps {
  /** Where Kafka is and how to get in. */
  readonly kafka: KafkaAccess;
  /** Kafka Connect's other worker properties (converters, `offset.flush.interval.ms`, `config.providers`, client overrides). Converters are JSON with schemas where they are not named. Never secrets: name them through a config provider. */
  readonly worker?: Readonly<Record<string, string>>;
  /** The file of each function, as `bundleDeployment` makes it, with connectors of one's own. Default: those that come with the package. */
  readonly bundles?: Readonly<Record<AnyFunctionName, string>>;
  /** Where the functions run; default: outside of any VPC, for brokers with public addresses. */
  readonly network?: NetworkProps;
  /** Memory, and with it CPU, of the functions. Default: medium, a whole core for each task run. */
  readonly size?: Size;
  /** Who may call the REST API. Default: basic authentication with a password that is made. */
  readonly authentication?: Authentication;
  /** Requests to the REST API in a second, on average and at once. Default: 50 and 100. */
  readonly throttle?: { readonly rateLimit: number; readonly burstLimit: number };
  /**
   * How secrets and parameters begin that connectors may name: `${secretsmanager:orders/db:password}`, `${ssm::/orders/password}`. Each
   * role that runs tasks may read those. Default: none.
   */
  readonly secretPrefixes?: readonly string[];
  /** Refuse connectors that write secrets out, where a key is of type PASSWORD. Default: false, as in Kafka Connect. */
  readonly secretsRequired?: boolean;
  /** Names of Glue Schema Registries of this account that converters may read from and register with. Default: none. */
  readonly glueRegistries?: readonly string[];
  /** Names of SQS queues of this account and region that connectors may name as dead letter queues, which may be replayed from. Default: none. */
  readonly deadLetterQueues?: readonly string[];
  /** Names of S3 buckets for dead letters that are too large for their queue. Default: none. */
  readonly deadLetterBuckets?: readonly string[];
  /** Most task runs at once, for databases that bear only so many connections. Default: what the account allows. */
  readonly maxConcurrentRuns?: number;
  /** Default: one month. */
  readonly logRetention?: RetentionDays;
  /** A table that is there already, such as one that was restored from a backup, with a stream of new images. Default: one is made. */
  readonly table?: ITable;
  /** Encrypts table, queues, logs and the API's secret. Default: keys of AWS. */
  readonly encryptionKey?: IKey;
  /** What becomes of connectors and offsets when the stack goes. Default: they stay. */
  readonly removalPolicy?: RemovalPolicy;
  readonly permissionsBoundary?: IManagedPolicy;
  /** Told of alarms. */
  readonly alarmTopic?: ITopic;
  /** A Kafka topic that failures of tasks and connectors are written to, as JSON keyed by connector, instead of the failure queue. */
  readonly failureTopic?: string;
  /** How much the functions tell of themselves; docs/metrics.md says what it costs. Default: standard. */
  readonly metricsLevel?: 'standard' | 'detailed' | 'off';
  /** CloudWatch's namespace of the metrics. A second cluster in an account and region needs one of its own. Default: Sluice. */
  readonly metricNamespace?: string;
}

/** A request that has waited for so long is made anew by a later look, so it need not be kept. */
const requestMaxAge = Duration.minutes(1);
/** How often a message that cannot be dealt with is tried before it is shown to people. */
const maxReceives = 5;
const tableActions = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'];
type AnyFunctionSpec = FunctionSpec<AnyFunctionName>;

/** How the records of an event-triggered sink are delivered. */
export interface SinkEventsOptions {
  readonly topics: readonly string[];
  /** Most records of a delivery, up to 10000. Default: 500. */
  readonly batchSize?: number;
  /** How long records are gathered. Default: Lambda's half a second. */
  readonly batchingWindow?: Duration;
  /** Where it begins when nothing was delivered yet. Default: TRIM_HORIZON, as `auto.offset.reset=earliest`. */
  readonly startingPosition?: StartingPosition.TRIM_HORIZON | StartingPosition.LATEST;
}

/** A Connect cluster: the functions, queues, triggers and the table of `infra/topology.ts`, each allowed what the topology says and no more; its API, alarms and dashboard. */
export class ConnectCluster extends Construct {
  readonly table: ITable;
  readonly functions: Readonly<Record<FunctionName, LambdaFn>>;
  readonly queues: Readonly<Record<QueueName, Queue>>;
  readonly restApi: RestApi;
  readonly alarms: ConnectAlarms;
  readonly dashboard: ConnectDashboard;
  readonly metrics: ConnectMetrics;
  /** Megabytes of each function. */
  readonly memoryMb: Readonly<Record<FunctionName, number>>;
  /** Worker properties, references to secrets unresolved. */
  readonly worker: Readonly<Record<string, string>>;
  readonly alarmTopic: ITopic | undefined;
  readonly #props: ConnectClusterProps;
  readonly #bundles: Readonly<Record<AnyFunctionName, string>>;
  #connectorResource: LambdaFn | undefined;

  constructor(scope: Construct, id: string, props: ConnectClusterProps) {
    super(scope, id);
    this.#props = props;
    this.#bundles = props.bundles ?? shippedBundles();
    this.alarmTopic = props.alarmTopic;
    this.metrics = new ConnectMetrics(props.metricNamespace ?? 'Sluice');
    this.worker = workerProperties(props);
    const size = props.size ?? 'medium';
    this.memoryMb = { 'rest-api': memoryMb['rest-api'][size], controller: memoryMb.controller[size], task: memoryMb.task[size] };
    this.table = props.table ?? this.#table();
    this.queues = this.#queues();
    this.functions = Object.fromEntries(functions.map((spec) => [spec.name, this.#function(spec)])) as Record<FunctionName, LambdaFn>;
    if (props.network?.createEndpoints) addEndpoints(this, props.network);
    this.restApi = new RestApi(this, 'Gateway', {
      handler: this.functions['rest-api'],
      authentication: props.authentication ?? { kind: 'basic' },
      authorizer: (secret) => this.#authorizer(secret),
      throttle: props.throttle ?? { rateLimit: 50, burstLimit: 100 },
      logRetention: this.#logRetention,
      encryptionKey: props.encryptionKey,
      removalPolicy: this.#removalPolicy,
    });
    this.#triggers();
    this.alarms = new ConnectAlarms(this, 'Alarms', this, props.alarmTopic ? { topic: props.alarmTopic } : {});
    this.dashboard = new ConnectDashboard(this, 'Dashboard', this, this.alarms);
    new CfnOutput(this, 'FailureQueueUrl', { value: this.queues.failures.queueUrl, description: 'Every failure of a task or connector' });
  }

  /** The function behind `Connector`; there is none in a stack without connectors. */
  get connectorResource(): LambdaFn {
    if (this.#connectorResource === undefined) {
      const spec = deploymentFunctions.find(({ name }) => name === 'connector-resource') as AnyFunctionSpec;
      this.#connectorResource = this.#function(spec);
    }
    return this.#connectorResource;
  }

  /**
   * The function that puts the records of a sink with `sluice.trigger=event`, and the event source mapping of each of its topics. A delivery
   * that fails is made again; what Lambda gives up on is told to the failure queue. Throws Error when mappings cannot get to the brokers.
   */
  sinkEvents(connector: string, { topics, batchSize = 500, batchingWindow, startingPosition = StartingPosition.TRIM_HORIZON }: SinkEventsOptions): LambdaFn {
    const { kafka, network } = this.#props;
    const spec = deploymentFunctions.find(({ name }) => name === 'sink-events') as AnyFunctionSpec;
    const made = this.#function(spec, createHash('sha256').update(connector).digest('hex').slice(0, 8));
    made.addEnvironment(environment.connector, connector);
    // Pollers are let in where the function is.
    const pollers = network && { ...network, securityGroups: made.connections.securityGroups };
    for (const topic of topics) {
      made.addEventSourceMapping(`Topic-${topic}`, {
        ...kafka.eventSource(this, pollers),
        kafkaTopic: topic,
        // A mapping is a group of its own. Not the sink's group: that one mirrors what is stored.
        kafkaConsumerGroupId: `sluice-${Names.uniqueResourceName(made, { maxLength: 60, separator: '-' })}-${topic}`.slice(0, 200),
        startingPosition,
        batchSize,
        ...(batchingWindow === undefined ? {} : { maxBatchingWindow: batchingWindow }),
        onFailure: new SqsDlq(this.queues.failures),
      });
    }
    this.#grantMapping(made);
    return made;
  }

  /** What Lambda's pollers do in the name of the function. */
  #grantMapping(made: LambdaFn): void {
    const { kafka, network } = this.#props;
    const { clusterArn } = kafka;
    if (clusterArn !== null) {
      const actions = ['kafka:DescribeCluster', 'kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'];
      made.addToRolePolicy(new PolicyStatement({ actions, resources: [clusterArn] }));
    }
    const authority = this.node.tryFindChild('BrokerAuthority') as ISecret | undefined;
    authority?.grantRead(made);
    if (clusterArn === null && network === undefined) return;
    const interfaces = [
      'CreateNetworkInterface',
      'DeleteNetworkInterface',
      'DescribeNetworkInterfaces',
      'DescribeVpcs',
      'DescribeSubnets',
      'DescribeSecurityGroups',
    ];
    made.addToRolePolicy(new PolicyStatement({ actions: interfaces.map((action) => `ec2:${action}`), resources: ['*'] }));
    acknowledgeWildcard(made, '*', "An event source mapping puts network interfaces into the brokers' VPC: EC2 knows no resource before they are made.");
  }

  get #removalPolicy(): RemovalPolicy {
    return this.#props.removalPolicy ?? RemovalPolicy.RETAIN;
  }

  get #logRetention(): RetentionDays {
    return this.#props.logRetention ?? RetentionDays.ONE_MONTH;
  }

  #table(): Table {
    const { partitionKey, sortKey, dueIndex } = tableKeys;
    const { encryptionKey } = this.#props;
    const table = new Table(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      sortKey: { name: sortKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      stream: StreamViewType.NEW_IMAGE,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: this.#removalPolicy,
      ...(encryptionKey ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey } : {}),
    });
    table.addGlobalSecondaryIndex({
      indexName: dueIndex.name,
      partitionKey: { name: dueIndex.partitionKey, type: AttributeType.STRING },
      sortKey: { name: dueIndex.sortKey, type: AttributeType.NUMBER },
      projectionType: ProjectionType.ALL,
    });
    return table;
  }

  #queues(): Record<QueueName, Queue> {
    const made: Partial<Record<QueueName, Queue>> = {};
    const { encryptionKey } = this.#props;
    // The queue for people comes first: what the others cannot get rid of goes there.
    for (const { name, retentionSeconds, visibilityTimeoutSeconds } of [...queues].sort((a) => (a.name === 'failures' ? -1 : 1))) {
      const read = triggers.some((trigger) => trigger.kind === 'queue' && trigger.queue === name);
      made[name] = new Queue(this, pascal(name), {
        retentionPeriod: Duration.seconds(retentionSeconds),
        visibilityTimeout: Duration.seconds(visibilityTimeoutSeconds),
        ...(encryptionKey ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey } : { encryption: QueueEncryption.SQS_MANAGED }),
        enforceSSL: true,
        ...(read && made.failures ? { deadLetterQueue: { queue: made.failures, maxReceiveCount: maxReceives } } : {}),
      });
    }
    return made as Record<QueueName, Queue>;
  }

  /** A suffix tells functions of one spec apart. */
  #function(spec: AnyFunctionSpec, suffix?: string): LambdaFn {
    const { access } = spec;
    const name = suffix === undefined ? spec.name : `${spec.name}-${suffix}`;
    const { encryptionKey, network, maxConcurrentRuns } = this.#props;
    const invokes = access.includes('invoke-task');
    const concurrency = spec.name === 'task' ? (maxConcurrentRuns ?? null) : spec.reservedConcurrency;
    const logGroup = new LogGroup(this, `${pascal(name)}Log`, {
      retention: this.#logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
      ...(encryptionKey ? { encryptionKey } : {}),
    });
    const made = new LambdaFn(this, pascal(name), {
      functionName: this.#functionName(name),
      description: spec.description,
      runtime: Runtime.NODEJS_LATEST,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(dirname(this.#bundles[spec.name])),
      handler: 'index.handler',
      memorySize: this.#memoryOf(spec),
      timeout: Duration.seconds(spec.timeoutSeconds),
      ...(concurrency === null ? {} : { reservedConcurrentExecutions: concurrency }),
      retryAttempts: spec.asyncRetries,
      maxEventAge: requestMaxAge,
      ...(spec.onFailure === null ? {} : { onFailure: new SqsDestination(this.queues[spec.onFailure]) }),
      // A stream of records is a chain of runs, and a task that crashes is started again: both are bounded by our own rules.
      ...(invokes ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      ...(network && name !== 'authorizer'
        ? {
            vpc: network.vpc,
            ...(network.subnets ? { vpcSubnets: network.subnets } : {}),
            ...(network.securityGroups ? { securityGroups: [...network.securityGroups] } : {}),
          }
        : {}),
      role: this.#role(name, logGroup, network !== undefined && name !== 'authorizer'),
      logGroup,
      environment: this.#environment(access),
    });
    this.#grant(made, spec);
    return made;
  }

  #memoryOf({ name, memoryMb: fallback }: AnyFunctionSpec): number {
    // It does what a task run does.
    if (name === 'sink-events') return this.memoryMb.task;
    return name in this.memoryMb ? this.memoryMb[name as FunctionName] : fallback;
  }

  /** What every function needs, named: its own log, and in a VPC a network interface. */
  #role(name: string, logGroup: LogGroup, inVpc: boolean): Role {
    const role = new Role(this, `${pascal(name)}Role`, {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `The ${name} function of a Connect cluster`,
    });
    const { permissionsBoundary } = this.#props;
    if (permissionsBoundary) PermissionsBoundary.of(role).apply(permissionsBoundary);
    logGroup.grantWrite(role);
    if (inVpc) role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSLambdaVPCAccessExecutionRole'));
    return role;
  }

  #environment(access: AnyFunctionSpec['access']): Record<string, string> {
    if (!access.includes('table')) return {};
    return {
      [environment.table]: this.table.tableName,
      [environment.worker]: Stack.of(this).toJsonString(this.worker),
      [environment.metrics]: this.#props.metricsLevel ?? 'standard',
      [environment.metricNamespace]: this.metrics.namespace,
      ...(access.includes('invoke-task') ? { [environment.taskFunction]: this.#functionName('task') } : {}),
      ...(access.includes('invoke-controller') ? { [environment.controllerFunction]: this.#functionName('controller') } : {}),
      ...(access.includes('send-failures') ? { [environment.failureQueueUrl]: this.queues.failures.queueUrl } : {}),
    };
  }

  /** Known before the function is there, because a task invokes its own function. */
  #functionName(name: string): string {
    return `${Names.uniqueResourceName(this, { maxLength: 63 - name.length, separator: '-' })}-${name}`;
  }

  #grant(grantee: LambdaFn, { name, access }: AnyFunctionSpec): void {
    const { encryptionKey, kafka, secretPrefixes = [], glueRegistries = [] } = this.#props;
    const invokable = [['invoke-task', 'task'] as const, ['invoke-controller', 'controller'] as const].filter(([right]) => access.includes(right));
    if (access.includes('table')) {
      // Not `table.grant`, which allows every index there may ever be.
      const resources = [this.table.tableArn, `${this.table.tableArn}/index/${tableKeys.dueIndex.name}`];
      grantee.addToRolePolicy(new PolicyStatement({ actions: tableActions.map((action) => `dynamodb:${action}`), resources }));
      if (access.includes('scan-table')) grantee.addToRolePolicy(new PolicyStatement({ actions: ['dynamodb:Scan'], resources: [this.table.tableArn] }));
      encryptionKey?.grantEncryptDecrypt(grantee);
    }
    if (access.includes('send-failures')) this.queues.failures.grantSendMessages(grantee);
    if (access.includes('kafka')) {
      for (const secret of kafka.secrets) secret.grantRead(grantee);
      for (const statement of kafka.statements) {
        grantee.addToRolePolicy(statement.copy());
        for (const each of statement.resources)
          if (each.endsWith('*'))
            acknowledgeWildcard(grantee, each, 'Connectors name topics and groups of this cluster when they are made, not when it is deployed.');
      }
    }
    if ((name === 'task' || name === 'sink-events') && secretPrefixes.length > 0) {
      const { partition, region, account } = Stack.of(this);
      const secrets = secretPrefixes.map((prefix) => `arn:${partition}:secretsmanager:${region}:${account}:secret:${prefix}*`);
      const parameters = secretPrefixes.map((prefix) => `arn:${partition}:ssm:${region}:${account}:parameter/${prefix.replace(/^\//, '')}*`);
      grantee.addToRolePolicy(new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: secrets }));
      grantee.addToRolePolicy(new PolicyStatement({ actions: ['ssm:GetParameter'], resources: parameters }));
      for (const each of [...secrets, ...parameters])
        acknowledgeWildcard(grantee, each, 'Connectors may name secrets that begin so: their owners add secrets without a deployment of this stack.');
    }
    if ((name === 'task' || name === 'sink-events') && glueRegistries.length > 0) this.#grantGlue(grantee, glueRegistries);
    grantDeadLetters(grantee, name, this.#props);
    if (invokable.length > 0)
      grantee.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: invokable.map(([, target]) => this.#arn(target)) }));
  }

  /** Versions are read by their ids, which belong to no resource that could be named. */
  #grantGlue(grantee: LambdaFn, registries: readonly string[]): void {
    const { partition, region, account } = Stack.of(this);
    const schemas = registries.map((name) => `arn:${partition}:glue:${region}:${account}:schema/${name}/*`);
    const resources = [...registries.map((name) => `arn:${partition}:glue:${region}:${account}:registry/${name}`), ...schemas];
    const actions = ['glue:GetSchemaByDefinition', 'glue:RegisterSchemaVersion', 'glue:CreateSchema'];
    grantee.addToRolePolicy(new PolicyStatement({ actions, resources }));
    grantee.addToRolePolicy(new PolicyStatement({ actions: ['glue:GetSchemaVersion', 'glue:PutSchemaVersionMetadata'], resources: ['*'] }));
    for (const each of [...schemas, '*']) acknowledgeWildcard(grantee, each, 'Connectors name schemas when they are made; a version is asked for by an id.');
  }

  #arn(name: FunctionName): string {
    const { partition, region, account } = Stack.of(this);
    return `arn:${partition}:lambda:${region}:${account}:function:${this.#functionName(name)}`;
  }

  #authorizer(secret: ISecret): LambdaFn {
    const made = this.#function(deploymentFunctions.find(({ name }) => name === 'authorizer') as AnyFunctionSpec);
    made.addEnvironment('SLUICE_API_SECRET', secret.secretArn);
    secret.grantRead(made);
    return made;
  }

  #triggers(): void {
    for (const trigger of triggers) {
      const target = this.functions[trigger.target];
      if (trigger.kind === 'schedule') {
        const event = RuleTargetInput.fromObject(trigger.input);
        new Rule(this, `${pascal(trigger.target)}Schedule`, {
          schedule: Schedule.rate(Duration.seconds(trigger.everySeconds)),
          targets: [new LambdaFunction(target, { event, retryAttempts: 0, maxEventAge: requestMaxAge })],
        });
      } else if (trigger.kind === 'table-stream') {
        // What is missed here is found by the next tick: no record may keep the ones after it waiting.
        target.addEventSource(
          new DynamoEventSource(this.table, {
            startingPosition: StartingPosition.LATEST,
            batchSize: trigger.batchSize,
            retryAttempts: 1,
            maxRecordAge: requestMaxAge,
            filters: [FilterCriteria.filter({ dynamodb: { NewImage: { [trigger.attribute]: { S: FilterRule.exists() } } } })],
          }),
        );
        acknowledgeWildcard(target, '*', 'dynamodb:ListStreams, which an event source mapping needs, knows no resource.');
      } else if (trigger.kind === 'queue') {
        target.addEventSource(new SqsEventSource(this.queues[trigger.queue], { batchSize: trigger.batchSize }));
      }
    }
  }
}

/** `rest-api` as the name of a construct: `RestApi`. */
function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
