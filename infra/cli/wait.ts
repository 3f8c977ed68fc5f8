import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command.ts';

/** As `GET /connectors/NAME/status` answers. */
export interface ConnectorStatus {
  readonly name: string;
  readonly type: string;
  readonly connector: { readonly state: string; readonly worker_id: string; readonly trace?: string };
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly worker_id: string; readonly trace?: string }[];
}

const intervalMs = 300;

/** Waits until connector and tasks are in a state that lasts. `ok`: nothing failed; `text` says what became of it, with the first trace of a failure. */
export async function waitUntilRunning(status: () => Promise<ConnectorStatus>, timeoutMs: number): Promise<{ ok: boolean; text: string }> {
  const until = Date.now() + timeoutMs;
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
      if (connector.state === 'RUNNING' && tasks.length > 0 && tasks.every(({ state }) => state === 'RUNNING'))
        return { ok: true, text: `RUNNING, ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}` };
      if (Date.now() >= until) return { ok: false, text: `not running after ${timeoutMs / 1000} s: ${connector.state}, ${tasks.length} tasks` };
    }
    await sleep(intervalMs);
  }
}
