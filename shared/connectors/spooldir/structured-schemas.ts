import { ConfigException, ConnectException, type ConnectorValidation, Schema, TIMESTAMP } from '../../connect/index.ts';
import type { StructuredConfig } from './config.ts';
import { schemaFromJson } from './schema-json.ts';

/** The schemas of records: those of the configuration, or generated from the names of the fields of each file. */
export class StructuredSchemas {
  readonly key: Schema | null;
  readonly value: Schema | null;
  readonly #config: StructuredConfig;
  readonly #generated = new Map<string, { readonly key: Schema; readonly value: Schema }>();

  /** Throws ConfigException when schemas are missing or wrong. */
  constructor(config: StructuredConfig) {
    this.#config = config;
    this.key = schemaFromJson('key.schema', config['key.schema']);
    this.value = schemaFromJson('value.schema', config['value.schema']);
    for (const [name, schema] of [
      ['key.schema', this.key],
      ['value.schema', this.value],
    ] as const) {
      if (schema === null && !config['schema.generation.enabled']) throw new ConfigException(`'${name}' must be set if 'schema.generation.enabled' = false.`);
      if (schema !== null && schema.type !== 'STRUCT') throw new ConfigException(`'${name}' must be a schema of type STRUCT`);
    }
    for (const name of ['schema.generation.key.name', 'schema.generation.value.name'] as const)
      if (config['schema.generation.enabled'] && config[name] === '') throw new ConfigException(`'${name}' must be set if 'schema.generation.enabled' = true.`);
    this.#checkTimestampField();
  }

  /** Both schemas for a file with these fields; files with the same fields share the objects. */
  forFields(names: readonly string[]): { readonly key: Schema; readonly value: Schema } {
    if (this.key !== null && this.value !== null) return { key: this.key, value: this.value };
    const text = JSON.stringify(names);
    const known = this.#generated.get(text);
    if (known) return known;
    const keyFields = this.#config['schema.generation.key.fields'].filter((name) => names.includes(name));
    const schemas = {
      key: this.key ?? optionalTexts(this.#config['schema.generation.key.name'], keyFields),
      value: this.value ?? optionalTexts(this.#config['schema.generation.value.name'], names),
    };
    this.#generated.set(text, schemas);
    return schemas;
  }

  /** The timestamp of a record in milliseconds by `timestamp.field`. */
  timestampOf(value: Readonly<Record<string, unknown>>): number {
    return (value[this.#config['timestamp.field']] as Date).getTime();
  }

  #checkTimestampField(): void {
    if (this.#config['timestamp.mode'] !== 'FIELD') return;
    const name = this.#config['timestamp.field'];
    if (name === '')
      throw new ConnectException('When `timestamp.mode` is set to `FIELD`, `timestamp.field` must be set to a timestamp field. Cannot be null or empty.');
    const field = this.value?.field(name);
    if (field === undefined || field.schema.optional || field.schema.name !== TIMESTAMP)
      throw new ConnectException(
        `Field '${name}' must be present and set to a timestamp and cannot be optional. Example {"name":"${TIMESTAMP}","type":"INT64","version":1,"isOptional":false}`,
      );
  }
}

function optionalTexts(name: string, fields: readonly string[]): Schema {
  return new Schema({ type: 'STRUCT', name, fields: fields.map((each) => ({ name: each, schema: Schema.OPTIONAL_STRING_SCHEMA })) });
}

/** Tells what is wrong with the schemas of a configuration, at the key that it names. */
export function validateSchemas({ config, value }: ConnectorValidation<StructuredConfig>): void {
  if (config === null) return;
  try {
    new StructuredSchemas(config);
  } catch (error) {
    const { message } = error as Error;
    const key = ['key.schema', 'schema.generation.key.name', 'schema.generation.value.name', 'timestamp.field'].find(
      (each) => message.includes(`'${each}'`) || message.includes(`\`${each}\``),
    );
    value(key ?? (message.startsWith('Field ') ? 'timestamp.field' : 'value.schema')).errorMessages.push(message);
  }
}
