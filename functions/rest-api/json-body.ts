import type { RawConfig } from '../../shared/connect/config/config-def.ts';
import { BadRequestException } from '../../shared/herder/connect-rest-exception.ts';
import type { OffsetChange } from '../../shared/herder/connector-offsets.ts';
import { type PreviewRecord, PreviewRecordException, previewRecords } from '../../shared/runtime/preview/preview-record.ts';
import type { TargetState } from '../../shared/storage/ports.ts';

/*
 * Kafka Connect answers 500 to nearly every malformed body, with a message of its parser. Here such a request is a 400
 * that says what would be right.
 */

/** How a reviver of `JSON.parse` learns the text of a number, which TypeScript's library does not know yet. */
type Reviver = (this: unknown, name: string, value: unknown, context: { source?: string }) => unknown;

/** `text`: numbers become their text. `exact`: whole numbers beyond 2^53 become bigint. */
export function parseJson(body: string, numbers: 'text' | 'exact'): unknown {
  const reviver: Reviver = (_name, value, { source = '' }) => {
    if (typeof value !== 'number') return value;
    if (numbers === 'text') return new NumberText(source);
    return /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value;
  };
  try {
    return JSON.parse(body.replace(/^\ufeff/, ''), reviver as Parameters<typeof JSON.parse>[1]);
  } catch (cause) {
    throw new BadRequestException(`The body of the request is not JSON: ${body === '' ? 'it is empty' : (cause as Error).message}`, { cause });
  }
}

class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberText)
    throw new BadRequestException(`Expected ${what} as a JSON object`);
  return value as Record<string, unknown>;
}

/** A scalar as text, as Kafka Connect takes it: `1` is "1", `true` is "true". */
function text(value: unknown, what: string): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof NumberText) return value.text;
  throw new BadRequestException(`Expected a text as the value of '${what}', found ${Array.isArray(value) ? 'a list' : 'an object'}`);
}

function rawConfig(value: unknown, what: string): RawConfig {
  return Object.fromEntries(Object.entries(object(value, what)).map(([name, each]) => [name, text(each, name)]));
}

/** A connector's config: an object of texts; a null is kept. */
export function configBody(body: string): RawConfig {
  return rawConfig(parseJson(body, 'text'), 'the configuration of a connector');
}

const targetStates: Readonly<Record<string, TargetState>> = { RUNNING: 'STARTED', PAUSED: 'PAUSED', STOPPED: 'STOPPED' };

/** `{"name": …, "config": {…}, "initial_state": …}` (KIP-980). */
export function createConnectorBody(body: string): { name: string | null; config: RawConfig; targetState: TargetState } {
  const request = object(parseJson(body, 'text'), '"name" and "config" of the connector');
  const unknown = Object.keys(request).find((name) => !['name', 'config', 'initial_state'].includes(name));
  if (unknown !== undefined) throw new BadRequestException(`Unrecognized field "${unknown}": only "name", "config" and "initial_state" are known`);
  const name = text(request['name'], 'name');
  const config = rawConfig(request['config'], 'the configuration of the connector under "config"');
  const state = text(request['initial_state'], 'initial_state');
  const targetState = state === null ? 'STARTED' : targetStates[state.toUpperCase()];
  if (targetState === undefined) throw new BadRequestException(`Invalid value '${state}' of "initial_state": expected RUNNING, PAUSED or STOPPED`);
  return { name, config, targetState };
}

/** `{"offsets": [{"partition": {…}, "offset": {…}}]}`; null when there is no list. */
export function offsetsBody(body: string): readonly OffsetChange[] | null {
  const request = object(parseJson(body, 'exact'), '"offsets"');
  const unknown = Object.keys(request).find((name) => name !== 'offsets');
  if (unknown !== undefined) throw new BadRequestException(`Unrecognized field "${unknown}": only "offsets" is known`);
  const offsets = request['offsets'] ?? null;
  if (offsets === null) return null;
  if (!Array.isArray(offsets)) throw new BadRequestException('Expected "offsets" as a list of objects with "partition" and "offset"');
  return offsets.map((each): OffsetChange => {
    const { partition = null, offset = null, ...rest } = object(each, 'each of the "offsets"');
    const [other] = Object.keys(rest);
    if (other !== undefined) throw new BadRequestException(`Unrecognized field "${other}": only "partition" and "offset" are known`);
    return {
      partition: partition === null ? null : object(partition, 'a "partition"'),
      offset: offset === null ? null : object(offset, 'an "offset"'),
    };
  });
}

/** `{"config": {…}, "records": […]}`. */
export function previewBody(body: string): { config: RawConfig; records: readonly PreviewRecord[] } {
  const { config, records, ...rest } = object(parseJson(body, 'text'), '"config" and "records"');
  const [other] = Object.keys(rest);
  if (other !== undefined) throw new BadRequestException(`Unrecognized field "${other}": only "config" and "records" are known`);
  if (!Array.isArray(records)) throw new BadRequestException('Expected "records" as a list of records, each with "topic", "key", "value" and "headers"');
  try {
    // Again, with every number as it stands.
    return {
      config: rawConfig(config, 'the configuration of a connector under "config"'),
      records: previewRecords(body, (root) => (root as { records: unknown }).records),
    };
  } catch (error) {
    throw error instanceof PreviewRecordException ? new BadRequestException(error.message) : error;
  }
}

/** `{"level": "DEBUG"}`. */
export function levelBody(body: string): string | null {
  const request = object(parseJson(body, 'text'), '"level" of the logger');
  return text(request['level'], 'level');
}
