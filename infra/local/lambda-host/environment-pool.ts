import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { AnyFunctionName, FunctionSpec } from '../../topology.ts';
import { InvokeError } from './errors.ts';
import { ExecutionEnvironment, type InvocationResult } from './execution-environment.ts';
import type { FunctionLog } from './function-log.ts';

export interface PoolOptions {
  readonly functions: readonly FunctionSpec<AnyFunctionName>[];
  readonly bundles: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly logs: ReadonlyMap<string, FunctionLog>;
  readonly runtimeApi: string;
  readonly accountConcurrency: number;
  readonly freeze: boolean;
  readonly idleMs: number;
  /** Where the ids of the processes are kept, for whoever must clean up after this process was killed. */
  readonly pidFile: string;
}

/** Environments that asynchronous events leave free: requests and triggers are answered however many tasks run. */
const headroom = 10;

interface Waiting {
  readonly spec: FunctionSpec<AnyFunctionName>;
  readonly event: boolean;
  readonly start: () => void;
}

/**
 * All execution environments: reuses warm ones (the one used last first), starts new ones within the limits, reaps idle ones.
 */
export class EnvironmentPool {
  readonly #options: PoolOptions;
  readonly #environments = new Map<string, ExecutionEnvironment>();
  readonly #waiting: Waiting[] = [];
  readonly #reaper: NodeJS.Timeout;
  #running = 0;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#reaper = setInterval(() => this.#reap(), 10_000);
    this.#reaper.unref();
  }

  spec(name: string): FunctionSpec<AnyFunctionName> {
    const spec = this.#options.functions.find((each) => each.name === name);
    if (spec === undefined)
      throw new InvokeError(404, 'ResourceNotFoundException', `Function not found: arn:aws:lambda:us-east-1:000000000000:function:${name}`, { Type: 'User' });
    return spec;
  }

  environment(id: string): ExecutionEnvironment | undefined {
    return this.#environments.get(id);
  }

  /** Runs at once or rejects with 429, as a synchronous invocation does. */
  async invokeNow(name: string, payload: string, requestId: string = randomUUID()): Promise<InvocationResult> {
    const spec = this.spec(name);
    if (!this.#hasRoom(spec)) {
      throw new InvokeError(429, 'TooManyRequestsException', 'Rate Exceeded.', {
        Reason: spec.reservedConcurrency === null ? 'ConcurrentInvocationLimitExceeded' : 'ReservedFunctionConcurrentInvocationLimitExceeded',
        Type: 'User',
      });
    }
    return this.#run(spec, payload, requestId);
  }

  /** Runs as soon as there is room, in the order of the calls. An `event` was sent by somebody who does not wait: it leaves some room to others. */
  async invokeWhenPossible(name: string, payload: string, requestId: string, { event = false } = {}): Promise<InvocationResult> {
    const spec = this.spec(name);
    if (!this.#hasRoom(spec, event) || (event && this.#startingTooMany(spec))) await new Promise<void>((start) => this.#waiting.push({ spec, event, start }));
    return this.#run(spec, payload, requestId);
  }

  /** Busy environments may finish within the time, idle ones end at once. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#reaper);
    const all = [...this.#environments.values()];
    for (const environment of all) environment.terminate();
    const timer = setTimeout(() => {
      for (const environment of all) environment.kill();
    }, graceMs);
    // A process that has finished its last invocation asks for the next one and would wait for ever.
    const sweep = setInterval(() => {
      for (const environment of all) if (!environment.busy) environment.kill();
    }, 20);
    await Promise.all(all.map(({ exited }) => exited));
    clearTimeout(timer);
    clearInterval(sweep);
  }

  async #run(spec: FunctionSpec<AnyFunctionName>, payload: string, requestId: string): Promise<InvocationResult> {
    if (this.#stopped) throw new InvokeError(503, 'ServiceException', 'The host is stopping');
    this.#running++;
    const environment = this.#warm(spec) ?? this.#start(spec);
    try {
      return await environment.invoke({ requestId, payload });
    } finally {
      this.#running--;
      this.#admit();
      // Only when nobody took it over in this turn: the next invocation is faster in a process that runs.
      setImmediate(() => environment.freeze());
    }
  }

  #warm(spec: FunctionSpec<AnyFunctionName>): ExecutionEnvironment | undefined {
    let best: ExecutionEnvironment | undefined;
    for (const each of this.#environments.values()) {
      if (each.spec === spec && !each.busy && !each.gone && (best === undefined || each.idleMs < best.idleMs)) best = each;
    }
    return best;
  }

  #start(spec: FunctionSpec<AnyFunctionName>): ExecutionEnvironment {
    const { bundles, env, logs, runtimeApi, freeze } = this.#options;
    const id = randomUUID().replaceAll('-', '');
    const environment = new ExecutionEnvironment({
      id,
      spec,
      bundle: bundles[spec.name] as string,
      env: env[spec.name] ?? {},
      runtimeApi,
      log: logs.get(spec.name) as FunctionLog,
      freeze,
    });
    this.#environments.set(id, environment);
    this.#savePids();
    void environment.exited.then(() => {
      this.#environments.delete(id);
      this.#savePids();
      this.#admit();
    });
    return environment;
  }

  #hasRoom(spec: FunctionSpec<AnyFunctionName>, event = false): boolean {
    if (this.#running >= this.#options.accountConcurrency - (event ? headroom : 0)) return false;
    if (spec.reservedConcurrency === null) return true;
    return [...this.#environments.values()].filter((each) => each.spec === spec && each.busy).length < spec.reservedConcurrency;
  }

  /** Starting many processes at once only makes each of them slow; synchronous callers are not held up. */
  #startingTooMany(spec: FunctionSpec<AnyFunctionName>): boolean {
    if (this.#warm(spec) !== undefined) return false;
    return [...this.#environments.values()].filter(({ initialized, gone }) => !initialized && !gone).length >= 2 * cpus().length;
  }

  #admit(): void {
    for (let i = 0; i < this.#waiting.length; ) {
      const { spec, event, start } = this.#waiting[i] as Waiting;
      if (!this.#hasRoom(spec, event) || (event && this.#startingTooMany(spec))) i++;
      else {
        this.#waiting.splice(i, 1);
        start();
        // The one that was let in takes its place in the next turn.
        setImmediate(() => this.#admit());
        return;
      }
    }
  }

  /** An environment has asked for its first invocation: there may be room for another start. */
  onInitialized(): void {
    this.#admit();
  }

  #reap(): void {
    for (const environment of this.#environments.values()) if (environment.idleMs > this.#options.idleMs) environment.kill();
  }

  #savePids(): void {
    const pids = [...this.#environments.values()].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    writeFileSync(this.#options.pidFile, pids.join(' '));
  }
}
