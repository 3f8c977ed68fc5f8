import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../connect/clock.ts';

/**
 * The time of the table's own servers, as their answers tell it. Leases are kept in it: of two environments whose clocks differ, the one
 * that is fast would take what the other still holds.
 *
 * An answer says in which second it was made (`Date`), and that was between its request and its arrival. Each narrows down how
 * much the local clock is off; where it may be right it is taken to be.
 */
export class ServerClock {
  readonly #clock: Pick<Clock, 'now'>;
  /** How far the servers are ahead, at least and at most. */
  #least = Number.NEGATIVE_INFINITY;
  #most = Number.POSITIVE_INFINITY;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.offset;
  }

  /** Milliseconds that the servers are ahead of the local clock. */
  get offset(): number {
    if (this.#least <= 0 && this.#most >= 0) return 0;
    return Math.round((this.#least + this.#most) / 2);
  }

  /** @param second when the answer was made, in whole seconds of the servers' clock, as milliseconds since the epoch */
  observe(sentAt: number, receivedAt: number, second: number): void {
    const least = second - receivedAt;
    const most = second + 1_000 - sentAt;
    // What does not agree with the answers before comes from a clock that was set.
    const agrees = least <= this.#most && most >= this.#least;
    this.#least = agrees ? Math.max(this.#least, least) : least;
    this.#most = agrees ? Math.min(this.#most, most) : most;
  }

  /** Reads the answers that a client gets from now on, refusals among them. */
  listenTo(client: DynamoDBClient): void {
    client.middlewareStack.add(
      (next) => async (args) => {
        const sentAt = this.#clock.now();
        const result = await next(args);
        const { headers } = result.response as { headers?: Readonly<Record<string, string>> };
        const second = Date.parse(headers?.['date'] ?? '');
        if (!Number.isNaN(second)) this.observe(sentAt, this.#clock.now(), second);
        return result;
      },
      // The nearest to the wire: whatever becomes of the answer further up.
      { name: 'serverClock', step: 'deserialize', priority: 'low' },
    );
  }
}
