import { isRetriable } from '../../connect/errors.ts';
import { number, text } from '../config-values.ts';
import type { KafkaClientConfig } from '../ports.ts';

/** A token that logs in by OAUTHBEARER. Times in milliseconds since the epoch. */
export interface BearerToken {
  readonly value: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** SASL extensions (KIP-342). */
  readonly extensions: Readonly<Record<string, string>>;
}

/** Gives the token to log in with now. Rejects with ConnectException; with RetriableException when it may work later. */
export type BearerTokens = () => Promise<BearerToken>;

/**
 * Asks for a token when there is none, or the last one is near its end as the keys `sasl.login.refresh.*` say: after
 * 80 to 85 % of its life, and 5 minutes before its end if it lives so long. All connections share it; whoever asks while it is under way
 * waits for the same answer. While a token is still good, a failure that may pass is not told.
 */
export function cachedTokens(config: KafkaClientConfig, fetch: BearerTokens): BearerTokens {
  const factor = fraction(config, 'sasl.login.refresh.window.factor', 0.8);
  const jitter = fraction(config, 'sasl.login.refresh.window.jitter', 0.05);
  const leastMs = (number(config, 'sasl.login.refresh.min.period.seconds', 'SHORT', 0) ?? 60) * 1000;
  const bufferMs = (number(config, 'sasl.login.refresh.buffer.seconds', 'SHORT', 0) ?? 300) * 1000;
  let token: BearerToken | undefined;
  let refreshAt = 0;
  let underWay: Promise<BearerToken> | undefined;

  const refresh = async (): Promise<BearerToken> => {
    const now = Date.now();
    try {
      token = await fetch();
    } catch (error) {
      if (token && isRetriable(error) && now < token.expiresAt - 1000) return token;
      throw error;
    }
    const { issuedAt, expiresAt } = token;
    refreshAt = issuedAt + (expiresAt - issuedAt) * (factor + jitter * Math.random());
    // As Kafka does: a token too short-lived for both has neither.
    if (now + leastMs + bufferMs <= expiresAt) refreshAt = Math.min(Math.max(refreshAt, now + leastMs), expiresAt - bufferMs);
    return token;
  };

  return () => {
    if (token && Date.now() < refreshAt) return Promise.resolve(token);
    underWay ??= refresh().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

function fraction(config: KafkaClientConfig, key: string, fallback: number): number {
  return text(config, key) === undefined ? fallback : (number(config, key, 'DOUBLE', 0) as number);
}
