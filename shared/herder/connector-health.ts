import { isDelivered } from '../runtime/is-delivered.ts';
import { automaticRestart } from '../runtime/restart-policy.ts';
import type { PartitionLag } from '../runtime/sink-lag.ts';
import { taskStateOf, tasksOf } from '../runtime/task-state.ts';
import type { ConnectorSnapshot, LastError, OpenCircuit, TaskItem } from '../storage/ports.ts';
import { connectorState } from './connector-state.ts';
import type { AutomaticRestartInfo, ConnectorHealth, Health, Lag, LastErrorInfo, TaskHealth, WaitingInfo } from './entities.ts';

/** What health is told from, besides what is stored of the connector. */
export interface HealthFacts {
  readonly now: number;
  readonly worker: Readonly<Record<string, string>>;
  /** For how long the controller has not looked, in milliseconds, when that is too long. */
  readonly controllerSilentMs: number | null;
  /** How far behind a sink is; null: a source, or `lagError`. */
  readonly lag: { readonly partitions: readonly PartitionLag[]; readonly seconds: number } | null;
  /** Why the lag of a sink cannot be told now. */
  readonly lagError: string | null;
}

interface Verdict {
  readonly health: Health;
  readonly reason: string;
}

/**
 * One word for a connector and one for each task, with the reason in words, beside the states that Kafka Connect has. Derived when it is
 * read, as they are. A task's `health` is one of the connector's words; a new one needs an entry in `Health` and a line in `taskVerdict`,
 * and, where the connector as a whole is to say it, one in `verdictOfTasks`.
 */
export function connectorHealth(snapshot: ConnectorSnapshot, facts: HealthFacts): ConnectorHealth {
  const { spec } = snapshot;
  const tasks = tasksOf(snapshot).map((task) => taskHealth(snapshot, task, facts));
  const noTasks = tasks.length === 0 ? whyNoTasks(snapshot) : null;
  const verdict = connectorVerdict(snapshot, tasks, noTasks, facts);
  const successes = tasks.flatMap(({ last_successful_run: at }) => at ?? []).sort();
  const errors = [errorInfo(spec.lastError, null), ...tasks.map(({ last_error: error }) => error)].filter((each) => each !== null);
  return {
    name: spec.name,
    type: spec.type,
    ...verdict,
    no_tasks: noTasks,
    last_successful_run: successes.at(-1) ?? null,
    last_error: errors.sort((one, other) => (one.at < other.at ? -1 : 1)).at(-1) ?? null,
    lag: facts.lag && { ...lagOf(facts.lag.partitions), seconds: facts.lag.seconds, partitions: facts.lag.partitions.map(partitionLag) },
    lag_error: facts.lagError,
    automatic_restart: connectorRestart(snapshot),
    tasks,
  };
}

function connectorVerdict(snapshot: ConnectorSnapshot, tasks: readonly TaskHealth[], noTasks: string | null, facts: HealthFacts): Verdict {
  const { spec, status } = snapshot;
  const state = connectorState(snapshot);
  if (state === 'STOPPED') return { health: 'stopped', reason: noTasks ?? 'It is stopped' };
  const failed = tasks.filter(({ health }) => health === 'failed');
  if (state === 'FAILED') {
    const trace = firstLine(status?.trace ?? spec.lastError?.error ?? null);
    const health = failed.length < tasks.length ? 'degraded' : 'failed';
    return { health, reason: `Its task configs could not be made: ${trace}. ${whatNext(connectorRestart(snapshot), `POST ${pathOf(spec.name)}/restart`)}` };
  }
  if (failed.length > 0) {
    const which = failed.length === tasks.length ? (tasks.length === 1 ? 'Its task has failed' : 'All its tasks have failed') : `${these(failed)} failed`;
    const all = `${firstLine(failed[0]?.last_error?.message ?? null)}. POST ${pathOf(spec.name)}/restart?includeTasks=true&onlyFailed=true starts them again`;
    return { health: failed.length === tasks.length ? 'failed' : 'degraded', reason: `${which}: ${failed.length === 1 ? failed[0]?.reason : all}` };
  }
  if (state === 'PAUSED') return { health: 'paused', reason: noTasks ?? `It is paused; PUT ${pathOf(spec.name)}/resume lets it go on` };
  if (facts.controllerSilentMs !== null)
    return {
      health: 'degraded',
      reason: `The controller has not looked for ${Math.round(facts.controllerSilentMs / 1000)} s, so that nothing is started: check its schedule and its log`,
    };
  if (noTasks !== null) return { health: state === 'UNASSIGNED' ? 'unassigned' : 'degraded', reason: noTasks };
  if (spec.plannedGeneration < spec.generation)
    return { health: 'unassigned', reason: `Its tasks are being replaced by those of its newest config${postponement(snapshot)}` };
  const topics = missingTopics(snapshot);
  if (topics !== null) return { health: 'degraded', reason: topics };
  return verdictOfTasks(tasks);
}

function verdictOfTasks(tasks: readonly TaskHealth[]): Verdict {
  const degraded = tasks.filter(({ health }) => health === 'degraded');
  if (degraded.length > 0) return { health: 'degraded', reason: `Task ${degraded[0]?.id}: ${degraded[0]?.reason}` };
  const waiting = tasks.filter(({ health }) => health === 'waiting');
  if (waiting.length > 0) return { health: 'waiting', reason: `Task ${waiting[0]?.id}: ${waiting[0]?.reason}` };
  const idle = tasks.filter(({ partitions }) => partitions === 0);
  const all = tasks.length === 1 ? 'Its task runs when there is work' : `Its ${tasks.length} tasks run when there is work`;
  if (idle.length === 0) return { health: 'running', reason: all };
  return { health: 'running', reason: `${all}; ${idle.length} of them have no partitions, because tasks.max is more than there are partitions` };
}

/** Zero tasks are a condition with a reason. */
function whyNoTasks(snapshot: ConnectorSnapshot): string {
  const { spec, status, tasks } = snapshot;
  const path = pathOf(spec.name);
  const ending = tasks.filter(({ lease }) => lease !== null).length;
  if (spec.targetState === 'STOPPED')
    return `It is stopped, which leaves it without tasks${ending > 0 ? `, once ${ending === 1 ? 'a run under way has' : `${ending} runs under way have`} ended` : ''}; PUT ${path}/resume starts it`;
  if (status?.state === 'FAILED') return `Its task configs could not be made: ${firstLine(status.trace)}`;
  if (spec.targetState === 'PAUSED') return `It was paused before its task configs were made; they are made when PUT ${path}/resume starts it`;
  if (spec.plannedGeneration < spec.generation)
    return `Its task configs have not been made yet; the controller sees to that within a minute${postponement(snapshot)}`;
  return missingTopics(snapshot) ?? 'The connector was asked for task configs and has made none: it has found nothing to read or write';
}

/** Why the plan that is due has not been made. */
function postponement({ spec }: ConnectorSnapshot): string {
  const { lastError } = spec;
  return lastError?.kind === 'postponed' && lastError.at >= spec.updatedAt
    ? `. The last attempt at ${iso(lastError.at)} came to nothing: ${firstLine(lastError.error)}`
    : '';
}

/** A sink that has nothing to read, and why; null where it has. */
function missingTopics({ spec }: ConnectorSnapshot): string | null {
  if (spec.type !== 'sink' || spec.assignedTopics === null || Object.keys(spec.assignedTopics).length > 0) return null;
  const { 'topics.regex': pattern, topics = '' } = spec.config;
  return pattern === undefined
    ? `None of its topics exists: ${topics}. It begins as soon as there is one`
    : `No topic matches topics.regex=${pattern}. It begins as soon as there is one`;
}

function taskHealth(snapshot: ConnectorSnapshot, task: TaskItem, facts: HealthFacts): TaskHealth {
  const { spec } = snapshot;
  const running = task.lease !== null && task.lease.expiresAt > facts.now;
  const restart = taskRestart(snapshot, task);
  const mine = new Set(task.partitions.map(({ topic, partition }) => `${topic}-${partition}`));
  const lags = facts.lag?.partitions.filter(({ topic, partition }) => mine.has(`${topic}-${partition}`)) ?? null;
  return {
    id: task.task,
    ...taskVerdict(snapshot, task, running, restart, facts),
    run_under_way: running,
    last_successful_run: task.lastSuccessAt === null ? null : iso(task.lastSuccessAt),
    last_error: errorInfo(task.lastError, task.task),
    next_run: !running && task.state !== 'FAILED' && spec.targetState === 'STARTED' && task.dueAt !== null && task.dueAt > facts.now ? iso(task.dueAt) : null,
    lost_runs: task.lostRuns,
    failed_runs: task.failedRuns,
    automatic_restart: restart,
    waiting: waitingInfo(task),
    partitions: spec.type === 'sink' ? task.partitions.length : null,
    lag: lags && lagOf(lags),
  };
}

function taskVerdict(snapshot: ConnectorSnapshot, task: TaskItem, running: boolean, restart: AutomaticRestartInfo | null, facts: HealthFacts): Verdict {
  const { spec } = snapshot;
  const { lastError, lostRuns, failedRuns } = task;
  const state = taskStateOf(spec, task, facts.now);
  const why = firstLine(lastError?.error ?? task.trace);
  if (state === 'FAILED') return { health: 'failed', reason: `${why}. ${whatNext(restart, `POST ${pathOf(spec.name)}/tasks/${task.task}/restart`)}` };
  if (state === 'PAUSED') return { health: 'paused', reason: 'It is paused' };
  if (state === 'UNASSIGNED')
    return { health: 'unassigned', reason: `It is replaced by tasks of the newest config${running ? ', once the run under way has ended' : ''}` };
  if (spec.targetState === 'PAUSED') return { health: 'running', reason: 'The run under way ends, because the connector is paused' };
  if (task.circuit !== null) return { health: 'waiting', reason: whyItWaits(task.circuit, running) };
  if (lostRuns > 0)
    return { health: 'degraded', reason: `Its last ${lostRuns === 1 ? 'run was' : `${lostRuns} runs were`} lost: ${why}${again(task, running, facts)}` };
  if (failedRuns > 0) return { health: 'degraded', reason: `It has failed ${times(failedRuns)} and was restarted by itself: ${why}` };
  if (lastError?.kind === 'postponed' && lastError.at > (task.lastSuccessAt ?? 0))
    return { health: 'degraded', reason: `Its last run came to nothing: ${why}${again(task, running, facts)}` };
  if (running) return { health: 'running', reason: 'A run is under way' };
  if (spec.type === 'sink' && task.partitions.length === 0) return { health: 'running', reason: 'It has no partitions: there are fewer of them than tasks' };
  if (task.dueAt === null && spec.type === 'source') return { health: 'running', reason: 'It waits for an event' };
  if (spec.type === 'sink')
    return { health: 'running', reason: isDelivered(task, facts.worker) ? 'It waits for records to be delivered' : 'It waits for records' };
  return {
    health: 'running',
    reason: task.dueAt !== null && task.dueAt > facts.now ? `It runs again at ${iso(task.dueAt)}` : 'It runs at the next look of the controller',
  };
}

function waitingInfo({ circuit, state }: TaskItem): WaitingInfo | null {
  if (circuit === null || state === 'FAILED') return null;
  return { since: iso(circuit.since), attempts: circuit.attempts, error: circuit.error, next_try: iso(circuit.nextTryAt) };
}

function whyItWaits({ since, attempts, error, nextTryAt }: OpenCircuit, running: boolean): string {
  const tried = attempts === 1 ? 'Tried once' : `Tried ${attempts} times`;
  const next = running ? 'A try is under way' : `The next try is at ${iso(nextTryAt)}`;
  return `Its external system has been out of order since ${iso(since)}: ${firstLine(error)}. ${tried}; nothing is lost. ${next}`;
}

function again({ dueAt }: TaskItem, running: boolean, { now }: HealthFacts): string {
  if (running) return '. A run is under way';
  return dueAt !== null && dueAt > now ? `. It is tried again at ${iso(dueAt)}` : '. It is tried again at the next look';
}

/** A FAILED task that has a due time is to be restarted then; while its failure has not been routed, that time follows from the policy. */
function taskRestart({ spec }: ConnectorSnapshot, task: TaskItem): AutomaticRestartInfo | null {
  if (task.state !== 'FAILED' || task.failedRuns === 0) return null;
  const planned = automaticRestart(spec.config, task.failedRuns - 1, task.failure?.at ?? task.lastError?.at ?? 0);
  if (planned === null || (task.failure === null && task.dueAt === null)) return null;
  return { at: iso(task.failure === null ? (task.dueAt as number) : planned.at), attempt: planned.attempt, max_attempts: planned.maxAttempts };
}

function connectorRestart({ spec, status }: ConnectorSnapshot): AutomaticRestartInfo | null {
  if (status?.state !== 'FAILED' || spec.dueAt === null || spec.failedPlans === 0) return null;
  const planned = automaticRestart(spec.config, spec.failedPlans - 1, 0);
  return planned && { at: iso(spec.dueAt), attempt: planned.attempt, max_attempts: planned.maxAttempts };
}

function whatNext(restart: AutomaticRestartInfo | null, request: string): string {
  return restart === null ? `${request} starts it again` : `It is restarted by itself at ${restart.at} (attempt ${restart.attempt} of ${restart.max_attempts})`;
}

function errorInfo(error: LastError | null, task: number | null): LastErrorInfo | null {
  return error && { kind: error.kind, message: error.error, trace: error.trace, at: iso(error.at), task };
}

function lagOf(lags: readonly PartitionLag[]): Pick<Lag, 'records'> {
  return { records: lags.reduce((sum, { records }) => sum + records, 0) };
}

function partitionLag({ topic, partition, offset, end, records }: PartitionLag): Lag['partitions'][number] {
  return { topic, partition, offset, end_offset: end, records };
}

function these(tasks: readonly TaskHealth[]): string {
  const ids = tasks.map(({ id }) => id);
  return ids.length === 1 ? `Task ${ids[0]} has` : `Tasks ${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ' and others' : ''} have`;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times in a row`);
const iso = (at: number): string => new Date(at).toISOString();
const firstLine = (text: string | null): string => text?.trim().split('\n', 1)[0]?.replace(/\.$/, '') ?? 'nothing is known of why';
const pathOf = (connector: string): string => `/connectors/${encodeURIComponent(connector.toWellFormed())}`;
