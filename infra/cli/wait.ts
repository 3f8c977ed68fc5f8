import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorHealth } from '../../shared/herder/entities.ts';
import { CommandError } from './command.ts';

/** As `GET /connectors/NAME/status` answers. */
export interface ConnectorStatus {
  readonly name: string;
  readonly type: string;
  readonly connector: { readonly state: string; readonly worker_id: string; readonly trace?: string };
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly worker_id: string; readonly trace?: string }[];
}

const intervalMs = 300;
/** A task is RUNNING before its first run, which may fail at once: so long that run is waited for. One that waits for an event or its schedule has none. */
const firstRunMs = 5_000;
/** A run that has gone on for so long has got past what fails at once. */
const settledMs = 1_000;

/**
 * Waits until connector and tasks are in a state that lasts. `ok`: nothing failed; `text` says what became of it, with the first trace of a
 * failure. `health`: null where the server has no such thing, as Kafka Connect, whose states are told by tasks that have begun. `before`: the
 * health before the change that is waited for.
 */
export async function waitUntilRunning(
  status: () => Promise<ConnectorStatus>,
  health: () => Promise<ConnectorHealth | null>,
  before: ConnectorHealth | null,
  timeoutMs: number,
): Promise<{ ok: boolean; text: string }> {
  const until = Date.now() + timeoutMs;
  let runningSince: number | null = null;
  for (;;) {
    const found = await status().catch((error: unknown) => {
      // Right after a create its status may not be there yet.
      if (error instanceof CommandError && Date.now() < until) return null;
      throw error;
    });
    if (found !== null) {
      const { connector, tasks } = found;
      const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED');
      if (failed !== undefined) return { ok: false, text: `FAILED\n${failed.trace ?? ''}`.trimEnd() };
      if (connector.state === 'PAUSED' || connector.state === 'STOPPED') return { ok: true, text: connector.state };
      if (connector.state === 'RUNNING' && tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING')) {
        runningSince ??= Date.now();
        const forMs = Date.now() - runningSince;
        if (Date.now() >= until || forMs >= firstRunMs || haveBegun(await health(), before, forMs))
          return { ok: true, text: `RUNNING, ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}` };
      } else runningSince = null;
      if (Date.now() >= until) return { ok: false, text: `not running after ${timeoutMs / 1000} s: ${connector.state}, ${tasks.length} tasks` };
    }
    await sleep(intervalMs);
  }
}

/** Whether every task has had a run since, or has one that goes on. */
function haveBegun(health: ConnectorHealth | null, before: ConnectorHealth | null, forMs: number): boolean {
  if (health === null) return true;
  const successOf = (of: ConnectorHealth | null, task: number) => of?.tasks.find(({ id }) => id === task)?.last_successful_run ?? null;
  return health.tasks.every(
    ({ id, health: how, run_under_way: runs }) => how === 'waiting' || (runs ? forMs >= settledMs : successOf(health, id) !== successOf(before, id)),
  );
}
