import { memoryMb, type Size } from '../../topology.ts';
import { measured } from './measured.ts';
import type { Prices } from './prices.ts';

/** A pipeline as far as its cost goes. */
export interface CostedConnector {
  readonly name: string;
  readonly kind: 'source' | 'sink';
  readonly jdbc: boolean;
  readonly tasks: number;
  /** Payload a day, in gigabytes, over all tasks. */
  readonly gbPerDay: number;
  readonly recordBytes: number;
  /** Hours of the day in which records come; in these they come all the time. */
  readonly activeHours: number;
  /** `continuous`: a run waits for more, and another follows it. `look`: a run a minute reads what has come, and ends. */
  readonly mode: 'continuous' | 'look';
  /** Polls a day of a source that has nothing to do; null for what asks Kafka instead. */
  readonly idlePollsPerDay: number | null;
}

/** A line of a bill: dollars a month. */
export interface CostLine {
  readonly what: string;
  readonly dollars: number;
}

export interface CostEstimate {
  readonly lines: readonly CostLine[];
  readonly total: number;
  /** The same pipelines on MSK Connect: units, and dollars a month. */
  readonly mskConnect: { readonly units: number; readonly dollars: number };
  /** On workers of one's own, two at least so that one may fail. */
  readonly ownCluster: { readonly workers: number; readonly dollars: number };
}

const daysPerMonth = 365 / 12;
const hoursPerMonth = daysPerMonth * 24;
/** Below this memory a function has a share of a core. */
const wholeCoreMb = 1769;
const workerCores = 2;
/** Workers are not planned to be busy for more than this part of their time. */
const utilization = 0.6;

/** What pipelines cost in a month on Sluice at the prices given, and on what would run them else. */
export function estimateCost(connectors: readonly CostedConnector[], { size, prices }: { size: Size; prices: Prices }): CostEstimate {
  const looks = 60 * hoursPerMonth;
  const sinks = connectors.filter(({ kind }) => kind === 'sink').length;
  const look = gbSeconds((measured.lookMs + measured.lookMsPerSink * sinks) / 1000, memoryMb.controller[size]);
  const runs = connectors.map((each) => runsOf(each, size));
  const sum = (value: (run: ReturnType<typeof runsOf>) => number) => runs.reduce((total, each) => total + value(each), 0);
  const lambda = (looks * look + sum((each) => each.gbSeconds)) * prices.lambdaGbSecond + (looks + sum((each) => each.invocations)) * prices.lambdaRequest;
  const writes = sum((each) => each.writes) + looks * 2;
  const reads = looks * (measured.readsPerLook + measured.readsPerLookAndConnector * connectors.length) + sum((each) => each.reads);
  const logBytes = looks * measured.logBytesPerInvocation + sum((each) => each.logBytes);
  const { metrics, alarms } = measured;
  const lines: CostLine[] = [
    { what: 'Lambda', dollars: lambda },
    { what: 'DynamoDB', dollars: writes * prices.dynamodbWriteUnit + reads * prices.dynamodbReadUnit },
    { what: 'CloudWatch metrics', dollars: (metrics.cluster + sum((each) => each.metrics)) * prices.cloudwatchMetricMonth },
    { what: 'CloudWatch alarms', dollars: (alarms.cluster + alarms.connector * connectors.length) * prices.cloudwatchAlarmMonth },
    { what: 'CloudWatch logs', dollars: (logBytes / 1e9) * prices.cloudwatchLogGb },
    { what: 'SQS, secrets', dollars: measured.queuePollsPerMinute * looks * prices.sqsRequest + 2 * prices.secretMonth },
  ];
  return { lines, total: lines.reduce((total, { dollars }) => total + dollars, 0), ...peers(connectors, prices) };
}

function runsOf(connector: CostedConnector, size: Size) {
  const { kind, tasks, gbPerDay, activeHours, mode, idlePollsPerDay } = connector;
  const memory = memoryMb.task[size];
  const busy = gbPerDay > 0;
  const activeSeconds = busy ? activeHours * 3600 * daysPerMonth * tasks : 0;
  const work = cpuSeconds(connector, 'ours') * daysPerMonth;
  const workSeconds = (work * measured.elapsedPerCpu) / Math.min(1, memory / wholeCoreMb);
  const runMs = measured.runMs / Math.min(1, memory / wholeCoreMb);
  const activeRuns = busy ? (mode === 'continuous' ? activeSeconds / 890 : activeSeconds / 60) : 0;
  const idleRuns = idlePollsPerDay === null ? 0 : idlePollsPerDay * daysPerMonth * tasks * (busy ? 1 - activeHours / 24 : 1);
  // Records that come all the time keep a run waiting for them; else only their work and the run itself are paid.
  const seconds = mode === 'continuous' ? Math.max(activeSeconds, workSeconds) : workSeconds + (activeRuns * runMs) / 1000;
  const invocations = activeRuns + idleRuns;
  const commits = mode === 'continuous' ? activeSeconds / 60 : 0;
  const { metrics } = measured;
  const first = kind === 'sink' ? metrics.busySink : metrics.busySource;
  const further = kind === 'sink' ? metrics.furtherSinkTask : metrics.furtherSourceTask;
  return {
    invocations,
    gbSeconds: ((seconds + (idleRuns * runMs) / 1000) * memory) / 1024,
    writes: invocations * measured.writesPerRun + commits * measured.writesPerCommit + (kind === 'source' && busy ? activeRuns + commits : 0),
    reads: seconds * measured.readsPerRunSecond,
    logBytes: (activeRuns + commits) * measured.logBytesPerBusyRun + idleRuns * measured.logBytesPerInvocation,
    metrics:
      (busy ? (first + further * (tasks - 1)) * (activeHours / 24) : 0) + (kind === 'source' ? metrics.idleSource * (busy ? 1 - activeHours / 24 : 1) : 0),
  };
}

/** CPU seconds a day for the records of a connector. */
function cpuSeconds({ kind, jdbc, gbPerDay, recordBytes }: CostedConnector, whose: 'ours' | 'kafkaConnect'): number {
  const { cpuPerMillion, cpuPerGb } = measured;
  const perMillion = cpuPerMillion[kind === 'source' ? 'source' : jdbc ? 'jdbcSink' : 'sink'][whose];
  const records = (gbPerDay * 1e9) / recordBytes;
  return (records / 1e6) * perMillion + gbPerDay * cpuPerGb[whose];
}

/** A function's time on the share of a core that its memory brings, in gigabyte-seconds. */
function gbSeconds(coreSeconds: number, memory: number): number {
  return ((coreSeconds / Math.min(1, memory / wholeCoreMb)) * memory) / 1024;
}

function peers(connectors: readonly CostedConnector[], prices: Prices): Pick<CostEstimate, 'mskConnect' | 'ownCluster'> {
  const cores = (connector: CostedConnector) =>
    connector.gbPerDay === 0 ? 0 : cpuSeconds(connector, 'kafkaConnect') / (connector.activeHours * 3600) / utilization;
  // A connector of MSK Connect has workers of its own, of a whole number of units.
  const units = connectors.reduce((sum, each) => sum + Math.max(1, Math.ceil(cores(each))), 0);
  const total = connectors.reduce((sum, each) => sum + cores(each), 0);
  const workers = Math.max(2, Math.ceil(total / workerCores) + 1);
  return {
    mskConnect: { units, dollars: units * prices.mskConnectUnitHour * hoursPerMonth },
    ownCluster: { workers, dollars: workers * prices.workerHour * hoursPerMonth },
  };
}
