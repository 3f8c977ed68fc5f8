import { dirname } from 'node:path';
import { CfnOutput, Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { HttpApi, HttpMethod, HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, ProjectionType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, FilterCriteria, FilterRule, Function as LambdaFn, RecursiveLoop, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { environment, type FunctionName, type FunctionSpec, functions, type QueueName, queues, table as tableKeys, triggers } from '../topology.ts';

export interface ConnectClusterProps {
  /** Kafka Connect's worker properties, `bootstrap.servers` among them. Never secrets: name them through a config provider. */
  readonly worker: Readonly<Record<string, string>>;
  /** The file of each function, as `bundleFunctions` makes it. */
  readonly bundles: Readonly<Record<FunctionName, string>>;
  /** Who may call the REST API. Default: who may sign for `execute-api:Invoke`; `none` leaves that to what stands before it. */
  readonly authorization?: 'iam' | 'none';
  /** What becomes of connectors and offsets when the stack goes. Default: they stay. */
  readonly removalPolicy?: RemovalPolicy;
}

/** A request that has waited for so long is made anew by a later look, so it need not be kept. */
const requestMaxAge = Duration.minutes(1);
/** How often a message that cannot be dealt with is tried before it is shown to people. */
const maxReceives = 5;
const tableActions = ['GetItem', 'Query', 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'];

/** A Connect cluster: the functions, queues, triggers and the table of `infra/topology.ts`, each allowed what the topology says and no more. */
export class ConnectCluster extends Construct {
  readonly table: Table;
  readonly functions: Readonly<Record<FunctionName, LambdaFn>>;
  readonly queues: Readonly<Record<QueueName, Queue>>;
  readonly api: HttpApi;
  /** Rings when a task or a connector failed, or when looking itself fails. */
  readonly alarms: readonly Alarm[];
  readonly #props: ConnectClusterProps;

  constructor(scope: Construct, id: string, props: ConnectClusterProps) {
    super(scope, id);
    this.#props = props;
    this.table = this.#table();
    this.queues = this.#queues();
    this.functions = Object.fromEntries(functions.map((spec) => [spec.name, this.#function(spec)])) as Record<FunctionName, LambdaFn>;
    for (const spec of functions) this.#grant(spec);
    this.api = this.#api();
    this.#triggers();
    this.alarms = this.#alarms();
    new CfnOutput(this, 'Url', { value: this.api.apiEndpoint, description: 'REST API of the Connect cluster' });
    new CfnOutput(this, 'FailureQueueUrl', { value: this.queues.failures.queueUrl, description: 'Every failure of a task or connector' });
  }

  #table(): Table {
    const { partitionKey, sortKey, dueIndex } = tableKeys;
    const table = new Table(this, 'Table', {
      partitionKey: { name: partitionKey, type: AttributeType.STRING },
      sortKey: { name: sortKey, type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      stream: StreamViewType.NEW_IMAGE,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: this.#props.removalPolicy ?? RemovalPolicy.RETAIN,
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
    // The queue for people comes first: what the others cannot get rid of goes there.
    for (const { name, retentionSeconds, visibilityTimeoutSeconds } of [...queues].sort((a) => (a.name === 'failures' ? -1 : 1))) {
      const read = triggers.some((trigger) => trigger.kind === 'queue' && trigger.queue === name);
      made[name] = new Queue(this, pascal(name), {
        retentionPeriod: Duration.seconds(retentionSeconds),
        visibilityTimeout: Duration.seconds(visibilityTimeoutSeconds),
        encryption: QueueEncryption.SQS_MANAGED,
        enforceSSL: true,
        ...(read && made.failures ? { deadLetterQueue: { queue: made.failures, maxReceiveCount: maxReceives } } : {}),
      });
    }
    return made as Record<QueueName, Queue>;
  }

  #function(spec: FunctionSpec): LambdaFn {
    const invokes = spec.access.includes('invoke-task');
    return new LambdaFn(this, pascal(spec.name), {
      functionName: this.#functionName(spec.name),
      description: spec.description,
      runtime: Runtime.NODEJS_LATEST,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(dirname(this.#props.bundles[spec.name])),
      handler: 'index.handler',
      memorySize: spec.memoryMb,
      timeout: Duration.seconds(spec.timeoutSeconds),
      ...(spec.reservedConcurrency === null ? {} : { reservedConcurrentExecutions: spec.reservedConcurrency }),
      retryAttempts: spec.asyncRetries,
      maxEventAge: requestMaxAge,
      ...(spec.onFailure === null ? {} : { onFailure: new SqsDestination(this.queues[spec.onFailure]) }),
      // A stream of records is a chain of runs, and a task that crashes is started again: both are bounded by our own rules.
      ...(invokes ? { recursiveLoop: RecursiveLoop.ALLOW } : {}),
      logGroup: new LogGroup(this, `${pascal(spec.name)}Log`, { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY }),
      environment: this.#environment(spec),
    });
  }

  #environment({ access }: FunctionSpec): Record<string, string> {
    return {
      [environment.table]: this.table.tableName,
      [environment.worker]: Stack.of(this).toJsonString(this.#props.worker),
      ...(access.includes('invoke-task') ? { [environment.taskFunction]: this.#functionName('task') } : {}),
      ...(access.includes('invoke-controller') ? { [environment.controllerFunction]: this.#functionName('controller') } : {}),
      ...(access.includes('send-failures') ? { [environment.failureQueueUrl]: this.queues.failures.queueUrl } : {}),
    };
  }

  /** Known before the function is there, because a task invokes its own function. */
  #functionName(name: FunctionName): string {
    return `${Names.uniqueResourceName(this, { maxLength: 63 - name.length, separator: '-' })}-${name}`;
  }

  #grant({ name, access }: FunctionSpec): void {
    const grantee = this.functions[name];
    const invokable = [['invoke-task', 'task'] as const, ['invoke-controller', 'controller'] as const].filter(([right]) => access.includes(right));
    if (access.includes('table')) this.table.grant(grantee, ...tableActions.map((action) => `dynamodb:${action}`));
    if (access.includes('send-failures')) this.queues.failures.grantSendMessages(grantee);
    if (invokable.length > 0)
      grantee.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: invokable.map(([, target]) => this.#arn(target)) }));
  }

  #arn(name: FunctionName): string {
    const { partition, region, account } = Stack.of(this);
    return `arn:${partition}:lambda:${region}:${account}:function:${this.#functionName(name)}`;
  }

  #api(): HttpApi {
    const defaultAuthorizer: IHttpRouteAuthorizer = this.#props.authorization === 'none' ? new HttpNoneAuthorizer() : new HttpIamAuthorizer();
    return new HttpApi(this, 'Api', { apiName: Names.uniqueResourceName(this, { maxLength: 60, separator: '-' }), defaultAuthorizer });
  }

  #triggers(): void {
    for (const trigger of triggers) {
      const target = this.functions[trigger.target];
      if (trigger.kind === 'http') {
        const integration = new HttpLambdaIntegration('Integration', target);
        for (const path of ['/', '/{proxy+}']) this.api.addRoutes({ path, methods: [HttpMethod.ANY], integration });
      } else if (trigger.kind === 'schedule') {
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
      } else {
        target.addEventSource(new SqsEventSource(this.queues[trigger.queue], { batchSize: trigger.batchSize }));
      }
    }
  }

  #alarms(): readonly Alarm[] {
    const alarm = (id: string, metric: IMetric, evaluationPeriods: number, alarmDescription: string) =>
      new Alarm(this, id, {
        metric,
        threshold: 1,
        evaluationPeriods,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription,
      });
    const period = Duration.minutes(1);
    return [
      alarm(
        'Failure',
        this.queues.failures.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
        1,
        'A task or connector failed: each message of the failure queue tells which one, why, and what to do. Delete it when that is done.',
      ),
      alarm(
        'ControllerFailure',
        this.functions.controller.metricErrors({ period, statistic: 'Sum' }),
        3,
        'The controller fails again and again, so that no task is started: read its log.',
      ),
    ];
  }
}

/** `rest-api` as the name of a construct: `RestApi`. */
function pascal(name: string): string {
  return name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
