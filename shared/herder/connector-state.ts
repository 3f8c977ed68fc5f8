import type { Plugins } from '../connect/plugins.ts';
import { taskStateOf, tasksOf } from '../runtime/task-state.ts';
import type { ConnectorSummary } from '../storage/ports.ts';
import type { ConnectorInfo, ConnectorStateInfo, State, TaskState } from './entities.ts';

/** What states are derived from, besides what is stored. */
export interface StateContext {
  readonly now: number;
  readonly plugins: Plugins;
  /** Told as worker of a connector that nobody has planned yet. */
  readonly workerId: string;
}

/**
 * States as Kafka Connect's clients know them, derived when they are read. A connector is what its target state says,
 * unless planning it failed (FAILED) or is still to come (UNASSIGNED).
 */
export function connectorStateInfo(snapshot: ConnectorSummary, context: StateContext): ConnectorStateInfo {
  const { spec, status } = snapshot;
  const version = context.plugins.findAny(spec.config['connector.class'] ?? '')?.version ?? null;
  const state = connectorState(snapshot);
  const trace = state === 'FAILED' ? status?.trace : null;
  return {
    name: spec.name,
    connector: { state, worker_id: status?.workerId || context.workerId, version, ...(trace ? { trace } : {}) },
    tasks: tasksOf(snapshot).map((task) => taskState(snapshot, task, version, context)),
    type: spec.type,
  };
}

export function connectorInfo(snapshot: ConnectorSummary): ConnectorInfo {
  const { name, config, type } = snapshot.spec;
  return { name, config, tasks: tasksOf(snapshot).map(({ task }) => ({ connector: name, task })), type };
}

export function connectorState({ spec, status, tasks }: ConnectorSummary): State {
  if (spec.targetState === 'STOPPED') return 'STOPPED';
  if (status?.state === 'FAILED') return 'FAILED';
  if (spec.targetState === 'PAUSED') return 'PAUSED';
  const unplanned = spec.plannedGeneration < spec.generation && tasks.length === 0;
  return unplanned || status?.state === 'UNASSIGNED' ? 'UNASSIGNED' : 'RUNNING';
}

function taskState({ spec }: ConnectorSummary, task: ConnectorSummary['tasks'][number], version: string | null, { now, workerId }: StateContext): TaskState {
  const state = taskStateOf(spec, task, now);
  const trace = state === 'FAILED' ? task.trace : null;
  return { id: task.task, state, worker_id: task.workerId || workerId, version, ...(trace ? { trace } : {}) };
}
