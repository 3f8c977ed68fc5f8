/** What a metric may be told apart by. */
export type Dimension = 'connector' | 'task' | 'function';
export type Dimensions = { readonly [name in Dimension]?: string | number };
export type MetricUnit = 'Count' | 'Milliseconds' | 'Seconds' | 'None';

/** How a metric is made of what was measured since the last time it was written, and under which dimensions. */
export interface MetricDefinition {
  readonly name: string;
  /** `sum`: a counter. The others say how things are: the last value, the average, the greatest, the least. */
  readonly how: 'sum' | 'last' | 'average' | 'maximum' | 'minimum';
  readonly unit: MetricUnit;
  /** Sets of dimensions; CloudWatch keeps, and charges, a metric for each. */
  readonly sets: readonly (readonly Dimension[])[];
  /** Kafka Connect's MBean type without its `-metrics`; null: Kafka Connect has no such metric. */
  readonly mbean: 'sink-task' | 'source-task' | 'connector-task' | 'task-error' | 'worker' | null;
  /** Written only at level `detailed`. */
  readonly detailed: boolean;
}

type Part = Omit<MetricDefinition, 'name' | 'mbean'>;
type Parts = Readonly<Record<string, Part>>;

const task = [['connector', 'task']] as const;
const taskAndConnector = [['connector', 'task'], ['connector']] as const;
const connector = [['connector']] as const;
const cluster = [[]] as const;
const connectorAndCluster = [['connector'], []] as const;
const perFunction = [['function']] as const;
const functionAndConnector = [['function'], ['connector']] as const;

const part = (how: Part['how'], sets: Part['sets'], unit: MetricUnit = 'Count'): Part => ({ how, sets, unit, detailed: false });
const sum = (sets: Part['sets']) => part('sum', sets);
const last = (sets: Part['sets'], unit: MetricUnit = 'Count') => part('last', sets, unit);
const detailed = (each: Part): Part => ({ ...each, detailed: true });
const averageAndMaximum = (average: string, maximum: string, sets: Part['sets'], unit: MetricUnit = 'Milliseconds') => ({
  [average]: part('average', sets, unit),
  [maximum]: part('maximum', sets, unit),
});

/** A measure that is a metric of the same name. */
const of = (mbean: MetricDefinition['mbean'], parts: Parts): readonly MetricDefinition[] =>
  Object.entries(parts).map(([name, each]) => ({ name, mbean, ...each }));
const same = <Name extends string>(mbean: MetricDefinition['mbean'], parts: Readonly<Record<Name, Part>>) =>
  Object.fromEntries(Object.entries<Part>(parts).map(([name, each]) => [name, of(mbean, { [name]: each })])) as Record<Name, readonly MetricDefinition[]>;

const activeCount = (name: string): Parts => ({
  [name]: detailed(last(task)),
  [`${name}-max`]: detailed(part('maximum', task)),
  [`${name}-avg`]: detailed(part('average', task)),
});

/**
 * What is measured, and the metrics that are made of it: Kafka Connect's where it has them, under its names, and what it
 * lacks. docs/metrics.md tells what each means.
 */
export const measures = {
  ...same('sink-task', {
    'sink-record-read-total': sum(taskAndConnector),
    'sink-record-send-total': sum(taskAndConnector),
    'sink-record-lag-max': last(task),
    'partition-count': detailed(last(task)),
    'offset-commit-completion-total': sum(task),
    'offset-commit-skip-total': sum(task),
  }),
  'sink-record-active-count': of('sink-task', activeCount('sink-record-active-count')),
  'put-batch-time-ms': of('sink-task', averageAndMaximum('put-batch-avg-time-ms', 'put-batch-max-time-ms', task)),

  ...same('source-task', {
    'source-record-poll-total': sum(taskAndConnector),
    'source-record-write-total': sum(taskAndConnector),
  }),
  'source-record-active-count': of('source-task', activeCount('source-record-active-count')),
  'poll-batch-time-ms': of('source-task', averageAndMaximum('poll-batch-avg-time-ms', 'poll-batch-max-time-ms', task)),
  'transaction-size': of('source-task', {
    'transaction-size-avg': detailed(part('average', task)),
    'transaction-size-min': detailed(part('minimum', task)),
    'transaction-size-max': detailed(part('maximum', task)),
  }),

  'offset-commit-time-ms': of('connector-task', averageAndMaximum('offset-commit-avg-time-ms', 'offset-commit-max-time-ms', task)),
  'batch-size': of('connector-task', { 'batch-size-avg': detailed(part('average', task)), 'batch-size-max': detailed(part('maximum', task)) }),
  ...same('connector-task', {
    // 1 for a commit that went so, 0 for another: shares between 0 and 1, as Kafka Connect's are.
    'offset-commit-success-percentage': detailed(part('average', task, 'None')),
    'offset-commit-failure-percentage': part('average', task, 'None'),
  }),

  ...same('task-error', {
    'total-record-failures': sum(taskAndConnector),
    'total-record-errors': sum(taskAndConnector),
    'total-records-skipped': sum(taskAndConnector),
    'total-retries': sum(taskAndConnector),
    'total-errors-logged': sum(taskAndConnector),
    'deadletterqueue-produce-requests': sum(taskAndConnector),
    'deadletterqueue-produce-failures': sum(taskAndConnector),
    'last-error-timestamp': last(task, 'None'),
  }),

  ...same('worker', {
    'connector-count': last(cluster),
    'task-count': last(cluster),
    'task-startup-attempts-total': sum(cluster),
    'task-startup-success-total': sum(cluster),
    'task-startup-failure-total': sum(connectorAndCluster),
    'connector-total-task-count': detailed(last(connector)),
    'connector-running-task-count': detailed(last(connector)),
    'connector-paused-task-count': last(connector),
    'connector-failed-task-count': last(connector),
    'connector-unassigned-task-count': last(connector),
    'connector-restarting-task-count': last(connector),
  }),

  ...same(null, {
    'sink-record-lag': last(connector),
    'sink-lag-seconds': last(connector, 'Seconds'),
    'task-runs': sum(connectorAndCluster),
    'task-run-time-ms': part('average', connector, 'Milliseconds'),
    'cold-starts': sum(perFunction),
    invocations: sum(functionAndConnector),
    'gb-seconds': part('sum', functionAndConnector, 'None'),
    TaskFailures: sum(connectorAndCluster),
    LostRuns: sum(connectorAndCluster),
    FailedTasks: last(cluster),
    OpenCircuits: last(cluster),
    'connector-open-circuit-count': last(connector),
    DeadLetters: sum(connectorAndCluster),
    ControllerLooks: sum(cluster),
    'look-time-ms': part('average', cluster, 'Milliseconds'),
  }),
  'source-import-lag-ms': of(null, averageAndMaximum('source-import-lag-avg-ms', 'source-import-lag-max-ms', connector)),
  'end-to-end-latency-ms': of(null, averageAndMaximum('end-to-end-latency-avg-ms', 'end-to-end-latency-max-ms', connector)),
} as const;

export type Measure = keyof typeof measures;
