import { sluiceConfig } from '../connect/config/sluice-config.ts';

/** An automatic restart: when, in milliseconds since the epoch, and which one of how many in a row. */
export interface AutomaticRestart {
  readonly at: number;
  readonly attempt: number;
  readonly maxAttempts: number;
}

/**
 * When something that failed is tried again by itself: by `sluice.restart.max.attempts`, after `sluice.restart.backoff.ms`, which doubles
 * with each failure in a row up to `sluice.restart.backoff.max.ms`. `failures`: how often it had failed in a row before this time.
 * Null: not at all, which is Kafka Connect's behaviour and the default; also where the keys themselves are wrong, for then nothing heals by itself.
 */
export function automaticRestart(config: Readonly<Record<string, string>>, failures: number, now: number): AutomaticRestart | null {
  const parsed = parse(config);
  const maxAttempts = parsed?.['sluice.restart.max.attempts'] ?? 0;
  if (parsed === null || failures >= maxAttempts) return null;
  const backoff = Math.min(parsed['sluice.restart.backoff.ms'] * 2 ** Math.min(failures, 40), parsed['sluice.restart.backoff.max.ms']);
  return { at: now + backoff, attempt: failures + 1, maxAttempts };
}

/** What a person who reads of the failure should know first. */
export function restartNotice(restart: AutomaticRestart): string {
  return `It is restarted by itself at ${new Date(restart.at).toISOString()} (attempt ${restart.attempt} of ${restart.maxAttempts}). Otherwise: `;
}

function parse(config: Readonly<Record<string, string>>) {
  try {
    return sluiceConfig.parse(config);
  } catch {
    return null;
  }
}
