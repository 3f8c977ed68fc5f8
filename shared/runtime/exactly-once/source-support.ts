import { oneOfIgnoringCase } from '../../connect/config/validators.ts';

const property = 'exactly.once.source.support';
const levels = oneOfIgnoringCase('disabled', 'preparing', 'enabled');

/** Whether a connector may require exactly-once. Throws ConfigException for a wrong `exactly.once.source.support` of the worker. */
export function allowsExactlyOnceSources(worker: Readonly<Record<string, string>>): boolean {
  const level = levelOf(worker);
  return level === null || level === 'enabled';
}

/**
 * Whether a source connector with this config writes in transactions (KIP-618): all of them do where the worker's
 * `exactly.once.source.support` is `enabled`. Unset, which for Kafka Connect is `disabled`, it means "on request" here,
 * for no worker needs a rolling upgrade first: those do that require it. Throws ConfigException for a wrong level.
 */
export function usesExactlyOnce(worker: Readonly<Record<string, string>>, config: Readonly<Record<string, string | null>>): boolean {
  const level = levelOf(worker);
  return level === 'enabled' || (level === null && config['exactly.once.support']?.trim().toLowerCase() === 'required');
}

function levelOf(worker: Readonly<Record<string, string>>): string | null {
  const value = worker[property];
  if (value === undefined) return null;
  levels.ensureValid(property, value.trim());
  return value.trim().toLowerCase();
}
