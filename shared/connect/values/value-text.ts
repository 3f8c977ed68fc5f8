import { type Schema, structGet } from '../data/schema.ts';
import { javaToString, javaTypeOf } from '../java/java-value.ts';
import { isoText } from './iso-dates.ts';

/** A value as header text (Java's `Values.convertToString`): much like JSON, texts on their own without quotes. Null for null. */
export function valueText(schema: Schema | null, value: unknown): string | null {
  return value === null || value === undefined ? null : textOf(schema, value, false);
}

function textOf(schema: Schema | null, value: unknown, embedded: boolean): string {
  if (value === null || value === undefined) return 'null';
  switch (javaTypeOf(schema, value)) {
    case 'STRING':
      return embedded ? `"${(value as string).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : (value as string);
    case 'BYTES': {
      const text = Buffer.from(value as Uint8Array).toString('base64');
      return embedded ? `"${text}"` : text;
    }
    case 'ARRAY':
      return `[${(value as unknown[]).map((item) => textOf(schema?.valueSchema ?? null, item, true)).join(',')}]`;
    case 'MAP': {
      const entries = [...(value as Map<unknown, unknown>)];
      return `{${entries.map(([key, item]) => `${textOf(schema?.keySchema ?? null, key, true)}:${textOf(schema?.valueSchema ?? null, item, true)}`).join(',')}}`;
    }
    case 'STRUCT': {
      const struct = value as Readonly<Record<string, unknown>>;
      const fields = (schema?.fields ?? []).map((field) => `"${field.name}":${textOf(field.schema, structGet(schema as Schema, struct, field.name), true)}`);
      return `{${fields.join(',')}}`;
    }
    case 'DATE':
      return isoText(value as Date);
    default:
      return javaToString(schema, value);
  }
}
