/** Time as the product sees it. Nothing under `shared/` asks the machine's clock directly, so that time can be simulated. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets the process do its input and output before going on: for loops that might never wait otherwise. */
  nextTurn(): Promise<void>;
}
