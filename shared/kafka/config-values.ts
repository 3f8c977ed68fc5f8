import { type ConfigType, javaTrim, parseType } from '../connect/config/parse-type.ts';
import { ConfigException } from '../connect/errors.ts';
import type { KafkaClientConfig } from './ports.ts';

/** The text of a key, trimmed; undefined when it is not there. */
export function text(config: KafkaClientConfig, key: string): string | undefined {
  const value = config[key];
  return value === undefined || value === null ? undefined : javaTrim(value);
}

/** As `text`, and undefined when it is empty. */
export function nonEmptyText(config: KafkaClientConfig, key: string): string | undefined {
  return text(config, key) || undefined;
}

/** A number that is at least `least`; undefined when the key is not there. Throws ConfigException with Kafka's message. */
export function number(config: KafkaClientConfig, key: string, type: ConfigType, least: number): number | undefined {
  const value = config[key];
  if (value === undefined || value === null) return undefined;
  const parsed = parseType(key, value, type) as number;
  if (parsed < least) throw ConfigException.forValue(key, value, `Value must be at least ${least}`);
  return parsed;
}

export function boolean(config: KafkaClientConfig, key: string): boolean | undefined {
  const value = config[key];
  return value === undefined || value === null ? undefined : (parseType(key, value, 'BOOLEAN') as boolean);
}

/** A list without empty entries; undefined when the key is not there. */
export function list(config: KafkaClientConfig, key: string): readonly string[] | undefined {
  const value = config[key];
  return value === undefined || value === null ? undefined : (parseType(key, value, 'LIST') as string[]).filter((entry) => entry !== '');
}

/** One of some values, in any case. With `upper` the answer is in capitals. */
export function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: string, upper: true): string;
export function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: undefined): string | undefined;
export function oneOf(config: KafkaClientConfig, key: string, values: readonly string[], fallback: string | undefined, upper = false): string | undefined {
  const given = text(config, key) ?? fallback;
  if (given === undefined) return undefined;
  const value = upper ? given.toUpperCase() : given.toLowerCase();
  if (!values.includes(value)) throw ConfigException.forValue(key, given, `String must be one of: ${values.join(', ')}`);
  return value;
}
