import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';

const minute = Duration.minutes(1);

/** The metrics that a cluster's functions write (docs/metrics.md), as alarms and dashboards take them. */
export class ConnectMetrics {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /** One of a connector, or of the cluster. */
  metric(metricName: string, statistic: string, connector?: string, period: Duration = minute): Metric {
    return new Metric({ namespace: this.namespace, metricName, statistic, period, ...(connector === undefined ? {} : { dimensionsMap: { connector } }) });
  }

  /** Over all connectors, whatever their names are. */
  overConnectors(metricName: string, statistic: 'Sum' | 'Maximum', period: Duration = minute): MathExpression {
    const expression = `${statistic === 'Sum' ? 'SUM' : 'MAX'}(${this.#search(metricName, statistic, period)})`;
    return new MathExpression({ expression, label: metricName, period });
  }

  /** A line for each connector. */
  eachConnector(metricName: string, statistic: 'Sum' | 'Maximum', period: Duration, label: string): MathExpression {
    return new MathExpression({ expression: this.#search(metricName, statistic, period), label, period });
  }

  #search(metricName: string, statistic: string, period: Duration): string {
    return `SEARCH('{${this.namespace},connector} MetricName="${metricName}"', '${statistic}', ${period.toSeconds()})`;
  }
}
