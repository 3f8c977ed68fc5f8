/** What the task function is asked to do: one run of a task, or of a connector itself (to make its task configs). */
export type RunRequest =
  | {
      readonly kind: 'task';
      readonly connector: string;
      readonly task: number;
      readonly generation: number /** Runs that followed each other without the controller. */;
      readonly chain?: number;
    }
  | {
      readonly kind: 'connector';
      readonly connector: string;
      readonly generation: number;
      /** The spec's, when this was asked for: a request that comes late must not take off the schedule what a user has changed since. */
      readonly revision?: number;
    }
  /** Dead letters of a connector through its pipeline again. */
  | { readonly kind: 'replay'; readonly connector: string; readonly replay: string };

/** How it went. `skipped`: somebody else has the task, or it changed; a duplicate invocation is normal. */
export interface RunOutcome {
  readonly outcome: 'skipped' | 'idle' | 'more' | 'stopped' | 'failed' | 'fenced' | 'planned';
  readonly records: number;
}

/** Starts runs, asynchronously: resolves when the request is accepted. Rejects when it is not (throttled, no such function). */
export interface TaskInvoker {
  invoke(request: RunRequest): Promise<void>;
}
