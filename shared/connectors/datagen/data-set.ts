import { readFileSync } from 'node:fs';
import { ConfigException } from '../../connect/index.ts';
import { type AvroSchema, parseAvroSchema } from './avro-schema.ts';
import { quickstarts } from './quickstarts.ts';
import type { DatagenConfig } from './source.config.ts';

/** The schema that a configuration chooses, and the field for the key, if any. Throws ConfigException. */
export function dataSetOf(config: DatagenConfig): { readonly schema: AvroSchema; readonly keyField: string | null } {
  const quickstart = config.quickstart === '' ? undefined : quickstarts[config.quickstart.toLowerCase()];
  const schema = parseAvroSchema(quickstart ? JSON.stringify(quickstart.schema) : config['schema.string'] || readSchema(config['schema.filename']));
  const keyField = config['schema.keyfield'] || quickstart?.keyField || null;
  if (keyField !== null && !schema.fields.some(({ name }) => name === keyField))
    throw new ConfigException("The schema does not contain the field provided in 'schema.keyfield'");
  return { schema, keyField };
}

function readSchema(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new ConfigException(`Unable to find the schema file ${path}`);
  }
}
