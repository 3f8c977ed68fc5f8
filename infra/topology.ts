/**
 * The one list of what runs where: functions, queues, triggers. `cdk/` makes CloudFormation of it, `local/` the same on
 * one machine. Numbers are Lambda's: megabytes and seconds.
 */

export type FunctionName = 'rest-api' | 'controller' | 'task';
/** Functions that only a deployment in AWS needs: API Gateway's authorizer, CloudFormation's way to connectors, and one for each sink whose records an event source delivers. */
export type DeploymentFunctionName = 'authorizer' | 'connector-resource' | 'sink-events';
export type AnyFunctionName = FunctionName | DeploymentFunctionName;
/** How much a cluster is given. */
export type Size = 'small' | 'medium' | 'large';
export type QueueName = 'failed-invocations' | 'failures';

export interface FunctionSpec<Name extends AnyFunctionName = FunctionName> {
  /** Folder under `functions/`, and the name of the bundle. */
  readonly name: Name;
  readonly description: string;
  /** Of size medium, which is what one machine runs. */
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Most environments at once; null: the account's limit. */
  readonly reservedConcurrency: number | null;
  /** Times that a failed asynchronous invocation is tried again. Runs are retried by the controller, which knows their state. */
  readonly asyncRetries: 0 | 1 | 2;
  /** Where a failed asynchronous invocation is told. */
  readonly onFailure: QueueName | null;
  /** What it may touch. */
  readonly access: readonly ('table' | 'scan-table' | 'kafka' | 'invoke-task' | 'invoke-controller' | 'send-failures')[];
}

export type Trigger =
  | { readonly kind: 'http'; readonly target: FunctionName }
  /** `everySeconds` in AWS; a machine of one's own can afford to look more often. */
  | { readonly kind: 'schedule'; readonly target: FunctionName; readonly everySeconds: number; readonly everySecondsLocal: number; readonly input: object }
  /** Changes of the table whose new image has this attribute. */
  | { readonly kind: 'table-stream'; readonly target: FunctionName; readonly attribute: string; readonly batchSize: number }
  | { readonly kind: 'queue'; readonly target: FunctionName; readonly queue: QueueName; readonly batchSize: number };

export interface QueueSpec {
  readonly name: QueueName;
  readonly description: string;
  readonly retentionSeconds: number;
  readonly visibilityTimeoutSeconds: number;
}

/**
 * Memory by size, in megabytes. It buys CPU in proportion, a whole core at 1769: a small task function is for trickles of records, a
 * large one for transformations that keep more than one core busy (compression, TLS and collection run beside the main thread).
 */
export const memoryMb: Readonly<Record<FunctionName, Readonly<Record<Size, number>>>> = {
  'rest-api': { small: 256, medium: 512, large: 1024 },
  controller: { small: 256, medium: 512, large: 1024 },
  task: { small: 512, medium: 1769, large: 3538 },
};

export const functions: readonly FunctionSpec[] = [
  {
    name: 'rest-api',
    description: "Kafka Connect's REST API",
    memoryMb: memoryMb['rest-api'].medium,
    timeoutSeconds: 29,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: null,
    access: ['table', 'scan-table', 'kafka'],
  },
  {
    name: 'controller',
    description: 'Looks what is due, starts task runs, routes failures',
    memoryMb: memoryMb.controller.medium,
    timeoutSeconds: 60,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: null,
    access: ['table', 'scan-table', 'kafka', 'invoke-task', 'send-failures'],
  },
  {
    name: 'task',
    description: 'One run of one connector task',
    memoryMb: memoryMb.task.medium,
    timeoutSeconds: 900,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: 'failed-invocations',
    access: ['table', 'kafka', 'invoke-task', 'send-failures'],
  },
];

/** What a deployment adds. */
export const deploymentFunctions: readonly FunctionSpec<DeploymentFunctionName>[] = [
  {
    name: 'authorizer',
    description: 'Basic authentication of the REST API',
    memoryMb: 256,
    timeoutSeconds: 10,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: null,
    access: [],
  },
  {
    name: 'connector-resource',
    description: 'Creates, changes and deletes the connectors of stacks',
    memoryMb: 512,
    timeoutSeconds: 900,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: null,
    access: ['table', 'kafka'],
  },
  {
    name: 'sink-events',
    description: 'Puts the records that an event source delivers',
    memoryMb: memoryMb.task.medium,
    timeoutSeconds: 300,
    reservedConcurrency: null,
    asyncRetries: 0,
    onFailure: null,
    access: ['table', 'kafka', 'send-failures'],
  },
];

export const queues: readonly QueueSpec[] = [
  {
    name: 'failed-invocations',
    description: 'Task runs that crashed or timed out, on their way to the controller',
    retentionSeconds: 1_209_600,
    visibilityTimeoutSeconds: 360,
  },
  { name: 'failures', description: 'Every failure of a task or connector, for people and alarms', retentionSeconds: 1_209_600, visibilityTimeoutSeconds: 30 },
];

export const triggers: readonly Trigger[] = [
  { kind: 'http', target: 'rest-api' },
  { kind: 'schedule', target: 'controller', everySeconds: 60, everySecondsLocal: 1, input: { kind: 'tick' } },
  { kind: 'table-stream', target: 'controller', attribute: 'wake', batchSize: 100 },
  { kind: 'queue', target: 'controller', queue: 'failed-invocations', batchSize: 10 },
];

/** The table: keys, and the sparse index of what is due. */
export const table = {
  partitionKey: 'pk',
  sortKey: 'sk',
  dueIndex: { name: 'due', partitionKey: 'dueShard', sortKey: 'dueAt' },
} as const;

/**
 * Names of the environment variables through which a deployment tells the functions where things are.
 * `SLUICE_WORKER` holds the worker's properties as JSON (`bootstrap.servers`, `key.converter`, `producer.*`, …).
 */
export const environment = {
  table: 'SLUICE_TABLE',
  worker: 'SLUICE_WORKER',
  taskFunction: 'SLUICE_TASK_FUNCTION',
  controllerFunction: 'SLUICE_CONTROLLER_FUNCTION',
  failureQueueUrl: 'SLUICE_FAILURE_QUEUE_URL',
  workerId: 'SLUICE_WORKER_ID',
  /** The connector of a `sink-events` function. */
  connector: 'SLUICE_CONNECTOR',
  /** Basic authentication of the REST API by a file, on one machine; in AWS the gateway does it. */
  credentialsFile: 'SLUICE_CREDENTIALS_FILE',
  /** `standard` (default), `detailed` or `off`; docs/metrics.md tells what they cost. */
  metrics: 'SLUICE_METRICS',
  /** CloudWatch's namespace of the metrics; Powertools' own name. Default: Sluice. */
  metricNamespace: 'POWERTOOLS_METRICS_NAMESPACE',
  /** How often a long run writes its metrics, and tasks and lag are counted, in milliseconds. Default 60000. */
  metricsInterval: 'SLUICE_METRICS_INTERVAL_MS',
} as const;
