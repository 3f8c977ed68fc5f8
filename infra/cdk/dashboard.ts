import { Duration } from 'aws-cdk-lib';
import { Alarm, AlarmStatusWidget, Dashboard, GraphWidget, type IMetric, MathExpression, SingleValueWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { ConnectAlarms } from './alarms.ts';
import type { ConnectCluster } from './connect-cluster.ts';

const five = Duration.minutes(5);

/** List prices of us-east-1 for ARM functions, in dollars, of November 2026: for an estimate, not a bill. */
const pricePerGbSecond = 0.0000133334;
const pricePerMillionRequests = 0.2;

/** One page that answers: is it flowing, how far behind is it, what fails, what does it cost. */
export class ConnectDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, cluster: ConnectCluster, alarms: ConnectAlarms) {
    super(scope, id);
    const { metrics } = cluster;
    const { controller, task, 'rest-api': restApi } = cluster.functions;
    const byConnector = (metricName: string, statistic: 'Sum' | 'Maximum') => metrics.eachConnector(metricName, statistic, five, '');
    const graph = (title: string, left: IMetric[], right: IMetric[] = []) => new GraphWidget({ title, left, right, width: 12, height: 6, period: five });
    this.dashboard = new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          new AlarmStatusWidget({
            title: 'Alarms',
            alarms: alarms.arns.map((arn, index) => Alarm.fromAlarmArn(this, `Alarm${index}`, arn)),
            width: 24,
            height: 3,
          }),
        ],
        [new TextWidget({ markdown: '## Is it flowing?', width: 24, height: 1 })],
        [
          graph('Records into Kafka, by connector', [byConnector('source-record-write-total', 'Sum')]),
          graph('Records out of Kafka, by connector', [byConnector('sink-record-send-total', 'Sum')]),
        ],
        [new TextWidget({ markdown: '## How far behind is it?', width: 24, height: 1 })],
        [
          graph('Lag in records, by connector', [byConnector('sink-record-lag', 'Maximum')]),
          graph('Lag in seconds, by connector', [byConnector('sink-lag-seconds', 'Maximum')]),
        ],
        [new TextWidget({ markdown: '## What fails?', width: 24, height: 1 })],
        [
          graph('Failures and lost runs', [metrics.overConnectors('TaskFailures', 'Sum', five), metrics.overConnectors('LostRuns', 'Sum', five)]),
          graph('Records that failed, and dead letters', [
            metrics.overConnectors('total-record-failures', 'Sum', five),
            metrics.overConnectors('total-records-skipped', 'Sum', five),
            metrics.overConnectors('deadletterqueue-produce-requests', 'Sum', five),
          ]),
        ],
        [
          graph('Failure queue', [cluster.queues.failures.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum', period: five })]),
          graph(
            'Errors and throttles of the functions',
            [task, controller, restApi].map((each) => each.metricErrors({ period: five, statistic: 'Sum' })),
            [task.metricThrottles({ period: five, statistic: 'Sum' })],
          ),
        ],
        [new TextWidget({ markdown: '## What does it cost?', width: 24, height: 1 })],
        [
          graph(
            'Task runs and their time',
            [task.metricInvocations({ period: five, statistic: 'Sum' })],
            [task.metricDuration({ period: five, statistic: 'Average' })],
          ),
          graph('Runs at once', [task.metric('ConcurrentExecutions', { period: five, statistic: 'Maximum' })]),
        ],
        [
          new SingleValueWidget({
            title: 'Lambda, dollars a day at list price (us-east-1; table, queues and logs not counted)',
            metrics: [dollarsADay(cluster)],
            setPeriodToTimeRange: false,
            width: 24,
            height: 3,
          }),
        ],
      ],
    });
  }
}

/** Time by memory, and requests. */
function dollarsADay({ functions, memoryMb }: ConnectCluster): MathExpression {
  const day = Duration.days(1);
  const usingMetrics: Record<string, IMetric> = {};
  const terms = Object.entries(functions).map(([name, each], index) => {
    usingMetrics[`t${index}`] = each.metricDuration({ period: day, statistic: 'Sum' });
    usingMetrics[`n${index}`] = each.metricInvocations({ period: day, statistic: 'Sum' });
    // Duration is in milliseconds. CloudWatch reads no exponents in numbers.
    const perSecond = (memoryMb[name as keyof typeof memoryMb] / 1024) * pricePerGbSecond;
    return `t${index}/1000*${perSecond.toFixed(12)}+n${index}/1000000*${pricePerMillionRequests}`;
  });
  return new MathExpression({ expression: terms.join('+'), usingMetrics, label: 'dollars a day', period: day });
}
