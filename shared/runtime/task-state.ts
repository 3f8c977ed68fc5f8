import type { ConnectorSpec, TaskItem } from '../storage/ports.ts';

/** Tasks in order; none of a connector that is stopped, even while their items are still there. */
export function tasksOf<T extends Pick<TaskItem, 'task'>>({
  spec,
  tasks,
}: {
  readonly spec: Pick<ConnectorSpec, 'targetState'>;
  readonly tasks: readonly T[];
}): readonly T[] {
  return spec.targetState === 'STOPPED' ? [] : [...tasks].sort((one, other) => one.task - other.task);
}

/**
 * The state of a task, derived from what is stored. One that failed stays FAILED until it is restarted; otherwise it is
 * PAUSED once its run has stopped, UNASSIGNED while a plan for a newer config is to come, and RUNNING, whether a run of
 * it is under way or not.
 */
export function taskStateOf(
  spec: Pick<ConnectorSpec, 'generation' | 'targetState'>,
  task: Pick<TaskItem, 'generation' | 'state' | 'lease'>,
  now: number,
): 'RUNNING' | 'FAILED' | 'PAUSED' | 'UNASSIGNED' | 'RESTARTING' {
  const running = task.lease !== null && task.lease.expiresAt > now;
  const replaced = task.generation !== spec.generation;
  // Of a paused connector nothing is replaced until it is resumed.
  if (task.state === 'FAILED' && (!replaced || spec.targetState === 'PAUSED')) return 'FAILED';
  if (spec.targetState === 'PAUSED' && !running) return 'PAUSED';
  if (replaced) return 'UNASSIGNED';
  return task.state === 'RESTARTING' ? 'RESTARTING' : 'RUNNING';
}
