import { ConfigException, Schema, type SchemaType } from '../../connect/index.ts';

const types = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING', 'BYTES', 'ARRAY', 'MAP', 'STRUCT'];

/**
 * Reads a schema as `key.schema` and `value.schema` hold it: `{"type": "STRUCT", "name": …, "fieldSchemas": {"id": {"type":
 * "INT64", "isOptional": false}}}`. Throws ConfigException that names the key. Null for an empty text.
 */
export function schemaFromJson(key: string, text: string): Schema | null {
  if (text.trim() === '') return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ConfigException(`Could not read schema from '${key}': ${(error as Error).message}`);
  }
  return build(json, key, key);
}

function build(json: unknown, key: string, place: string): Schema {
  const wrong = (why: string) => new ConfigException(`Could not read schema from '${key}': ${place} ${why}`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('is not a JSON object');
  const parts = json as Record<string, unknown>;
  const type = parts['type'] as SchemaType;
  if (!types.includes(type)) throw wrong(`needs a "type" out of ${types.join(', ')}`);
  const child = (name: string) => {
    if (parts[name] === undefined || parts[name] === null) throw wrong(`needs "${name}", because it is of type ${type}`);
    return build(parts[name], key, `${place}.${name}`);
  };
  const defaultValue = parts['defaultValue'];
  return new Schema({
    type,
    optional: parts['isOptional'] === true || parts['optional'] === true,
    name: (parts['name'] as string | undefined) || null,
    doc: (parts['doc'] as string | undefined) || null,
    version: (parts['version'] as number | undefined) ?? null,
    parameters: (parts['parameters'] as Record<string, string> | undefined) ?? null,
    defaultValue: type === 'INT64' && typeof defaultValue === 'number' ? BigInt(Math.trunc(defaultValue)) : defaultValue,
    keySchema: type === 'MAP' ? child('keySchema') : null,
    valueSchema: type === 'MAP' || type === 'ARRAY' ? child('valueSchema') : null,
    fields:
      type === 'STRUCT'
        ? Object.entries((parts['fieldSchemas'] ?? {}) as Record<string, unknown>).map(([name, field]) => ({
            name,
            schema: build(field, key, `${place}.${name}`),
          }))
        : [],
  });
}
