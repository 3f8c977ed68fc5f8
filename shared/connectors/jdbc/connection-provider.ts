import { type Clock, ConnectException, type Logger } from '../../connect/index.ts';
import type { DatabaseConnection, Dialect } from './dialects/dialect.ts';
import { SqlException } from './errors.ts';

/** A connection that was not used for so long is asked whether it lives: the process may have been frozen since. */
const trustMs = 10_000;
const validationTimeoutMs = 5_000;

/** One connection, kept and replaced when it is lost: Confluent's CachedConnectionProvider. */
export class ConnectionProvider {
  readonly #dialect: Dialect;
  readonly #attempts: number;
  readonly #backoffMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #connection: DatabaseConnection | null = null;
  #usedAt = 0;
  #stopped = false;

  constructor(options: { dialect: Dialect; attempts: number; backoffMs: number; clock: Clock; logger: Logger }) {
    this.#dialect = options.dialect;
    this.#attempts = options.attempts;
    this.#backoffMs = options.backoffMs;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** A connection that is alive as far as can be known, and whether it is new. Throws SqlException when none can be had, ConnectException after `stop`. */
  async get(signal: AbortSignal): Promise<{ connection: DatabaseConnection; fresh: boolean }> {
    const kept = this.#connection;
    if (kept !== null) {
      const trusted = this.#clock.now() - this.#usedAt <= trustMs;
      if (kept.open && (trusted || (await kept.isValid(validationTimeoutMs)))) {
        this.#usedAt = this.#clock.now();
        return { connection: kept, fresh: false };
      }
      this.#logger.info('The database connection is invalid. Reconnecting...');
      await this.close();
    }
    const connection = await this.#connect(signal);
    if (this.#stopped) {
      await connection.close();
      throw stopped();
    }
    this.#connection = connection;
    this.#usedAt = this.#clock.now();
    return { connection, fresh: true };
  }

  /** To be called when a write has ended: from now on the connection is idle. */
  released(): void {
    this.#usedAt = this.#clock.now();
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  /** Closes, for good: a write that is still under way ends, and does not begin again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.close();
  }

  async #connect(signal: AbortSignal): Promise<DatabaseConnection> {
    for (let attempt = 1; ; attempt++) {
      if (this.#stopped) throw stopped();
      try {
        return await this.#dialect.connect();
      } catch (error) {
        // A config that cannot be right is not tried again.
        if (!(error instanceof SqlException)) throw error instanceof ConnectException ? error : new ConnectException(String(error), { cause: error });
        this.#logger.info(`Unable to connect to database on attempt ${attempt}/${this.#attempts}`, { error: error.message });
        if (error.fate === 'down') throw error;
        if (attempt >= this.#attempts || signal.aborted) throw new SqlException(error.message, 'down', error.state, { cause: error });
        await this.#clock.sleep(this.#backoffMs, signal);
        if (signal.aborted) throw error;
      }
    }
  }
}

function stopped(): ConnectException {
  return new ConnectException('The task was stopped');
}
