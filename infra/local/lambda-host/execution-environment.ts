import { type ChildProcess, spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { AnyFunctionName, FunctionSpec } from '../../topology.ts';
import type { FunctionLog } from './function-log.ts';

/** What became of an invocation. */
export interface InvocationResult {
  /** The handler's answer, or the error's JSON. */
  readonly payload: string;
  /** As `X-Amz-Function-Error`: the function failed. */
  readonly error: 'Unhandled' | null;
}

/** An invocation on its way to an environment. */
export interface Invocation {
  readonly requestId: string;
  readonly payload: string;
}

interface Running extends Invocation {
  readonly startedAt: number;
  readonly settle: (result: InvocationResult) => void;
  timer: NodeJS.Timeout;
}

const client = fileURLToPath(new URL('runtime-client.mjs', import.meta.url));
const initTimeoutMs = 10_000;

/**
 * One execution environment: a child process that runs one invocation at a time, is frozen in between, and is killed at
 * the function's timeout.
 */
export class ExecutionEnvironment {
  readonly id: string;
  readonly spec: FunctionSpec<AnyFunctionName>;
  readonly #child: ChildProcess;
  readonly #log: FunctionLog;
  readonly #freeze: boolean;
  #next: ServerResponse | null = null;
  #running: Running | null = null;
  #waiting: Running | null = null;
  #frozen = false;
  #gone = false;
  #initError: string | null = null;
  #usedAt = performance.now();
  readonly exited: Promise<void>;

  constructor(options: {
    id: string;
    spec: FunctionSpec<AnyFunctionName>;
    bundle: string;
    env: Readonly<Record<string, string>>;
    runtimeApi: string;
    log: FunctionLog;
    freeze: boolean;
  }) {
    const { id, spec, bundle, env, runtimeApi, log, freeze } = options;
    this.id = id;
    this.spec = spec;
    this.#log = log;
    this.#freeze = freeze;
    this.#child = spawn(process.execPath, [`--max-old-space-size=${Math.round(spec.memoryMb * 0.9)}`, client], {
      // A session of its own: a Ctrl-C in the terminal is the host's to deal with.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        TZ: ':UTC',
        ...env,
        AWS_LAMBDA_RUNTIME_API: `${runtimeApi}/${id}`,
        AWS_LAMBDA_FUNCTION_NAME: spec.name,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(spec.memoryMb),
        AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${spec.name}`,
        AWS_LAMBDA_LOG_STREAM_NAME: `[$LATEST]${id}`,
        LAMBDA_TASK_ROOT: bundle.replace(/\/[^/]*$/, ''),
        _HANDLER: `${bundle}#handler`,
      } as NodeJS.ProcessEnv,
    });
    log.follow(this.#child);
    // Writing to a child that has died is not worth an error of ours.
    this.#child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => {
      this.#child.once('error', () => this.#died('could not be started', resolve));
      this.#child.once('exit', (code, signal) => this.#died(signal === null ? `exit status ${code}` : `signal: ${signalName(signal)}`, resolve));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  get busy(): boolean {
    return this.#running !== null || this.#waiting !== null;
  }
  get gone(): boolean {
    return this.#gone;
  }
  /** Whether it has asked for its first invocation. */
  get initialized(): boolean {
    return this.#next !== null || this.#running !== null || this.#frozen;
  }
  /** How long it has had nothing to do, in milliseconds. */
  get idleMs(): number {
    return this.busy ? 0 : performance.now() - this.#usedAt;
  }

  /** Runs an invocation; resolves with its result also when the process dies or is killed at the timeout. Must not be busy. */
  invoke(invocation: Invocation): Promise<InvocationResult> {
    return new Promise((settle) => {
      // The time for the work begins when it is handed over; until then there is time to start.
      const timer = setTimeout(() => this.#timedOut(), initTimeoutMs);
      const running = { ...invocation, startedAt: performance.now(), settle, timer };
      this.#usedAt = performance.now();
      if (this.#gone) this.#settle(running, failure('Runtime.ExitError', `RequestId: ${invocation.requestId} Error: Runtime is gone`));
      else if (this.#next !== null) this.#hand(running);
      else this.#waiting = running;
      this.#thaw();
    });
  }

  /** The process asks for its next invocation. */
  onNext(response: ServerResponse): void {
    this.#next = response;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this.#hand(waiting);
  }

  /** The process has answered. */
  onResult(requestId: string, payload: string, error: 'Unhandled' | null): boolean {
    const running = this.#running;
    if (running?.requestId !== requestId) return false;
    this.#running = null;
    this.#settle(running, { payload, error });
    return true;
  }

  onInitError(payload: string): void {
    this.#initError = payload;
  }

  /** Freezes the process until the next invocation, when it has nothing to do. */
  freeze(): void {
    if (!this.#freeze || this.busy || this.#gone || this.#frozen) return;
    this.#frozen = true;
    this.#signal('SIGSTOP');
  }

  /** Asks a busy process to finish, ends an idle one. */
  terminate(): void {
    this.#thaw();
    if (this.busy) this.#signal('SIGTERM');
    else this.kill();
  }

  kill(): void {
    this.#signal('SIGKILL');
  }

  #hand(running: Running): void {
    const response = this.#next as ServerResponse;
    this.#next = null;
    this.#running = running;
    clearTimeout(running.timer);
    running.timer = setTimeout(() => this.#timedOut(), this.spec.timeoutSeconds * 1000);
    this.#log.line(`START RequestId: ${running.requestId} Version: $LATEST`);
    const body = Buffer.from(running.payload);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': body.length,
      'lambda-runtime-aws-request-id': running.requestId,
      'lambda-runtime-deadline-ms': String(Date.now() + this.spec.timeoutSeconds * 1000),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${this.spec.name}`,
      'lambda-runtime-trace-id': `Root=1-${Math.floor(Date.now() / 1000).toString(16)}-${running.requestId.replaceAll('-', '').slice(0, 24)};Sampled=0`,
    });
    response.end(body);
  }

  #settle(running: Running, result: InvocationResult): void {
    clearTimeout(running.timer);
    this.#usedAt = performance.now();
    const ms = this.#usedAt - running.startedAt;
    this.#log.line(`END RequestId: ${running.requestId}`);
    this.#log.line(
      `REPORT RequestId: ${running.requestId}\tDuration: ${ms.toFixed(2)} ms\tBilled Duration: ${Math.ceil(ms)} ms\tMemory Size: ${this.spec.memoryMb} MB`,
    );
    running.settle(result);
  }

  #timedOut(): void {
    const running = this.#running ?? this.#waiting;
    if (running === null) return;
    this.#running = null;
    this.#waiting = null;
    const message = `${new Date().toISOString()} ${running.requestId} Task timed out after ${this.spec.timeoutSeconds.toFixed(2)} seconds`;
    this.#log.line(message);
    this.kill();
    this.#settle(
      running,
      failure('Sandbox.Timedout', `RequestId: ${running.requestId} Error: Task timed out after ${this.spec.timeoutSeconds.toFixed(2)} seconds`),
    );
  }

  #died(how: string, resolve: () => void): void {
    this.#gone = true;
    this.#next = null;
    const running = this.#running ?? this.#waiting;
    this.#running = null;
    this.#waiting = null;
    if (running !== null) {
      const message = `RequestId: ${running.requestId} Error: Runtime exited with error: ${how}`;
      this.#log.line(message);
      this.#settle(running, this.#initError === null ? failure('Runtime.ExitError', message) : { payload: this.#initError, error: 'Unhandled' });
    }
    resolve();
  }

  #thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#signal('SIGCONT');
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(signal);
  }
}

function failure(errorType: string, errorMessage: string): InvocationResult {
  return { payload: JSON.stringify({ errorType, errorMessage }), error: 'Unhandled' };
}

/** Lambda writes `signal: killed`. */
function signalName(signal: NodeJS.Signals): string {
  return { SIGKILL: 'killed', SIGTERM: 'terminated', SIGABRT: 'aborted', SIGSEGV: 'segmentation fault' }[signal as string] ?? signal.toLowerCase();
}
