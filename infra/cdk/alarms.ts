import { ArnFormat, Duration, Names, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { ConnectCluster } from './connect-cluster.ts';
import type { ConnectMetrics } from './connect-metrics.ts';

export interface AlarmsProps {
  /** Told when an alarm rings and when it is over. */
  readonly topic?: ITopic;
  /** How long the lag of a sink may grow. Default: 15 minutes. */
  readonly lagGrowing?: Duration;
}

interface AlarmOptions {
  readonly metric: IMetric;
  readonly threshold?: number;
  readonly periods?: number;
  /** Nothing was measured: that is the trouble. */
  readonly missingIsBreaching?: boolean;
  readonly comparison?: ComparisonOperator;
  /** What it means and what to do. */
  readonly description: string;
}

const minute = Duration.minutes(1);

/** Alarms on what should wake somebody. Each description says what to do. */
export class ConnectAlarms extends Construct {
  readonly alarms: readonly Alarm[];
  /** ARNs by the names of the alarms, which do not wait for them. */
  readonly arns: readonly string[];
  readonly #topic: ITopic | undefined;

  constructor(scope: Construct, id: string, cluster: ConnectCluster, { topic }: AlarmsProps = {}) {
    super(scope, id);
    this.#topic = topic;
    const { failures } = cluster.queues;
    const { controller, task } = cluster.functions;
    const api = cluster.restApi.api;
    this.alarms = [
      this.#alarm('Failure', {
        metric: failures.metricApproximateNumberOfMessagesVisible({ period: minute, statistic: 'Maximum' }),
        description:
          'A task or connector failed. Each message of the failure queue tells which one, why, and what to do; delete it when that is done. GET /connectors?expand=status shows what is FAILED now.',
      }),
      this.#alarm('FailedTasks', {
        metric: cluster.metrics.metric('FailedTasks', 'Maximum'),
        periods: 5,
        description:
          'Tasks are FAILED and stay so until somebody restarts them: GET /connectors?expand=status shows which, with their traces. docs/operations.md tells what to do for each error.',
      }),
      this.#alarm('OpenCircuits', {
        metric: cluster.metrics.metric('OpenCircuits', 'Maximum'),
        periods: 15,
        description:
          'External systems of connectors have been out of order for 15 minutes (down, full, or refusing the user): their tasks wait, nothing is lost, and they go on by themselves. GET /connectors/NAME/health tells the error and the next try.',
      }),
      this.#alarm('FailureUnanswered', {
        metric: failures.metricApproximateAgeOfOldestMessage({ period: minute, statistic: 'Maximum' }),
        threshold: Duration.days(7).toSeconds(),
        description: 'A failure has waited in the failure queue for a week, and is forgotten after two: deal with it, and delete its message.',
      }),
      this.#alarm('TrackingLost', {
        metric: cluster.queues['failed-invocations'].metricApproximateAgeOfOldestMessage({ period: minute, statistic: 'Maximum' }),
        threshold: 900,
        description: 'Failed invocations have waited for 15 minutes for the controller: read its log, and see whether its triggers are enabled.',
      }),
      this.#alarm('ControllerFailure', {
        metric: controller.metricErrors({ period: minute, statistic: 'Sum' }),
        periods: 3,
        description:
          'The controller fails again and again, so that no task is started: read its log. Kafka or the table cannot be reached, or a right is missing.',
      }),
      this.#alarm('ControllerSilent', {
        metric: controller.metricInvocations({ period: minute, statistic: 'Sum' }),
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
        periods: 5,
        missingIsBreaching: true,
        description: 'The controller has not looked for five minutes, so that nothing is started: see whether its rule in EventBridge is enabled.',
      }),
      this.#alarm('Throttled', {
        metric: task.metricThrottles({ period: minute, statistic: 'Sum' }),
        periods: 5,
        description:
          'Task runs have been throttled for five minutes: the account (or the reserved concurrency of the task function) allows fewer runs at once than there is work. Raise it.',
      }),
      this.#alarm('TaskTimeout', {
        metric: task.metricErrors({ period: minute, statistic: 'Sum' }),
        periods: 3,
        description:
          'Task runs crash or run out of time or memory: the failure queue and the log of the task function tell which. Choose a larger size if it is memory.',
      }),
      this.#alarm('ApiFailure', {
        metric: api.metricServerError({ period: minute, statistic: 'Sum' }),
        threshold: 5,
        periods: 3,
        description: 'The REST API answers with errors of its own: read the log of the rest-api function.',
      }),
    ];
    this.arns = this.alarms.map(({ node }) =>
      Stack.of(this).formatArn({ service: 'cloudwatch', resource: 'alarm', arnFormat: ArnFormat.COLON_RESOURCE_NAME, resourceName: nameOf(this, node.id) }),
    );
  }

  #alarm(id: string, options: AlarmOptions): Alarm {
    return alarm(this, id, options, this.#topic);
  }
}

/** Alarms of one connector. */
export class ConnectorAlarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(
    scope: Construct,
    id: string,
    {
      connector,
      kind,
      metrics,
      topic,
      lagGrowing = Duration.minutes(15),
    }: AlarmsProps & { connector: string; kind: 'source' | 'sink'; metrics: ConnectMetrics },
  ) {
    super(scope, id);
    const alarms = [
      alarm(
        this,
        'Failed',
        {
          metric: metrics.metric('TaskFailures', 'Sum', connector),
          description: `A task of connector ${connector} failed: GET /connectors/${connector}/status has its trace. Mend what it names, then POST /connectors/${connector}/restart?includeTasks=true&onlyFailed=true.`,
        },
        topic,
      ),
      alarm(
        this,
        'LostRuns',
        {
          metric: metrics.metric('LostRuns', 'Sum', connector),
          periods: 3,
          description: `Runs of connector ${connector} are lost again and again (crash, memory, time); they are started again by themselves. Look into the log of the task function.`,
        },
        topic,
      ),
      alarm(
        this,
        'DeadLetters',
        {
          metric: metrics.metric('deadletterqueue-produce-requests', 'Sum', connector),
          description: `Connector ${connector} put records into its dead letter queue: read why in their headers (__connect.errors.*).`,
        },
        topic,
      ),
    ];
    alarms.push(
      alarm(
        this,
        'TargetOutOfOrder',
        {
          metric: metrics.metric('connector-open-circuit-count', 'Maximum', connector),
          periods: 15,
          description: `The external system of connector ${connector} has been out of order for 15 minutes; its tasks wait, and go on by themselves. GET /connectors/${connector}/health tells the error and the next try.`,
        },
        topic,
      ),
    );
    if (kind === 'sink')
      alarms.push(
        alarm(
          this,
          'LagGrowing',
          {
            metric: new MathExpression({
              expression: 'RATE(lag)',
              usingMetrics: { lag: metrics.metric('sink-record-lag', 'Maximum', connector) },
              label: 'growth of the lag',
              period: minute,
            }),
            threshold: 0,
            comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
            periods: lagGrowing.toMinutes(),
            description: `The lag of connector ${connector} has grown for ${lagGrowing.toMinutes()} minutes: it cannot keep up. More partitions and a higher tasks.max help, or a faster target.`,
          },
          topic,
        ),
      );
    this.alarms = alarms;
  }
}

/** Known before the alarm is there, so that a page can show it and a person can find it. */
function nameOf(scope: Construct, id: string): string {
  return `${Names.uniqueResourceName(scope, { maxLength: 200, separator: '-' })}-${id}`;
}

function alarm(scope: Construct, id: string, options: AlarmOptions, topic: ITopic | undefined): Alarm {
  const { metric, threshold = 1, periods = 1, missingIsBreaching = false, description } = options;
  const made = new Alarm(scope, id, {
    alarmName: nameOf(scope, id),
    metric,
    threshold,
    evaluationPeriods: periods,
    comparisonOperator: options.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: missingIsBreaching ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    alarmDescription: description,
  });
  if (topic) {
    made.addAlarmAction(new SnsAction(topic));
    made.addOkAction(new SnsAction(topic));
  }
  return made;
}
