import { DATE, DECIMAL, type Schema, schemaEquals, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { defaultJson, isValidDefault } from './avro-defaults.ts';
import { enumName, hasTextKeys, isFixed, isUnion } from './avro-kinds.ts';
import * as names from './avro-names.ts';
import { type AvroField, type AvroProps, AvroSchema } from './avro-schema.ts';
import { SchemaParseException } from './parse-avro-schema.ts';

/** A schema that Avro does not allow. */
export class AvroRuntimeException extends Error {
  readonly javaClass = 'org.apache.avro.AvroRuntimeException';
}

/** The Avro schema of all that has no Connect schema: a record with one optional field for each type. */
export const ANYTHING = anything(names.CONFLUENT_NAMES);
const GLUE_ANYTHING = anything(names.GLUE_NAMES);

/** The same with a converter's own names. */
export function anythingOf({ names: own }: names.AvroDataOptions): AvroSchema {
  return own === names.GLUE_NAMES ? GLUE_ANYTHING : ANYTHING;
}

/**
 * The Avro schema that values of a Connect schema are written with. Throws DataException, SchemaParseException for names
 * that Avro does not allow, AvroRuntimeException for unions that it does not.
 */
export function avroSchemaOf(schema: Schema | null, options: names.AvroDataOptions): AvroSchema {
  return new Translation(options).schema(schema, false);
}

/** One translation: types with a name are told once, and referred to after that. */
class Translation {
  readonly #options: names.AvroDataOptions;
  readonly #known: { readonly schema: Schema; readonly avro: AvroSchema }[] = [];
  readonly #records = new Map<string, AvroSchema>();
  readonly #seenInFields = new Set<string>();
  #unnamed = 0;

  constructor(options: names.AvroDataOptions) {
    this.#options = options;
  }

  schema(schema: Schema | null, ignoreOptional: boolean): AvroSchema {
    if (schema === null) return anythingOf(this.#options);
    if (!isUnion(schema) && !schema.optional) {
      const known = this.#known.find((each) => each.schema === schema || (each.schema.name === schema.name && schemaEquals(each.schema, schema)));
      if (known !== undefined) return known.avro;
    }
    const base = this.#base(schema);
    let avro = base;
    if (base.type !== 'union') {
      this.#annotate(base, schema);
      if (!ignoreOptional) avro = maybeOptional(schema, base);
    }
    if (!schema.optional && (schema.type === 'STRUCT' || schema.name !== null)) this.#known.push({ schema, avro });
    return avro;
  }

  /** A schema within another one, which may be that very one. */
  #inner(schema: Schema | null, ignoreOptional: boolean): AvroSchema {
    const record = schema?.name === null || schema === null ? undefined : this.#records.get(schema.name);
    if (record === undefined || schema === null) return this.schema(schema, ignoreOptional);
    return ignoreOptional ? record : maybeOptional(schema, record);
  }

  #base(schema: Schema): AvroSchema {
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
      case 'INT32':
        return new AvroSchema('int');
      case 'INT64':
        return new AvroSchema('long');
      case 'FLOAT32':
        return new AvroSchema('float');
      case 'FLOAT64':
        return new AvroSchema('double');
      case 'BOOLEAN':
        return new AvroSchema('boolean');
      case 'STRING':
        return this.#text(schema);
      case 'BYTES':
        return this.#bytes(schema);
      case 'ARRAY':
        return new AvroSchema('array', { items: this.#inner(schema.valueSchema, false) });
      case 'MAP':
        return this.#map(schema);
      case 'STRUCT':
        return this.#struct(schema);
    }
  }

  #text(schema: Schema): AvroSchema {
    const { generalizedSumTypes, discardTypeDocDefault } = this.#options;
    const { parameters } = schema;
    if (enumName(schema, this.#options) === null || parameters === null) return new AvroSchema('string');
    const parameter = generalizedSumTypes ? names.GENERALIZED_ENUM : this.#options.names.enum;
    const symbols = Object.keys(parameters).flatMap((key) => (key.startsWith(`${parameter}.`) ? [key.slice(parameter.length + 1)] : []));
    for (const symbol of symbols) checkName(symbol);
    const simple = simpleOf(this.#nameOrDefault(schema.name));
    const doc = parameters[discardTypeDocDefault ? 'connect.enum.doc' : this.#options.names.enumDocPrefix + simple] ?? null;
    const enumDefault = discardTypeDocDefault ? null : (parameters[this.#options.names.enumDefaultPrefix + simple] ?? null);
    return new AvroSchema('enum', { name: parameters[parameter] as string, doc, symbols, enumDefault });
  }

  #bytes(schema: Schema): AvroSchema {
    const { parameters } = schema;
    const base = isFixed(schema)
      ? new AvroSchema('fixed', { name: this.#nameOrDefault(schema.name), size: Number(parameters?.[names.FIXED_SIZE]) })
      : new AvroSchema('bytes');
    if (schema.name?.toLowerCase() !== DECIMAL.toLowerCase()) return base;
    base.props.set('scale', Number(parameters?.['scale']));
    base.props.set('precision', Number(parameters?.[names.DECIMAL_PRECISION] ?? names.DEFAULT_PRECISION));
    return base;
  }

  #map(schema: Schema): AvroSchema {
    if (hasTextKeys(schema, this.#options)) return new AvroSchema('map', { items: this.#inner(schema.valueSchema, false) });
    const entry = new AvroSchema('record', { name: schema.name === null ? this.#options.names.mapEntry : this.#nameOrDefault(schema.name) });
    if (schema.name !== null) entry.props.set('connect.internal.type', names.MAP_ENTRY);
    entry.fields = [this.#field('key', schema.keySchema as Schema, null), this.#field('value', schema.valueSchema as Schema, null)];
    return new AvroSchema('array', { items: entry });
  }

  #struct(schema: Schema): AvroSchema {
    const { discardTypeDocDefault, scrubInvalidNames } = this.#options;
    if (isUnion(schema)) {
      const branches = schema.fields.map((field) => this.#inner(field.schema.with({ optional: false }), true));
      return union(schema.optional ? [new AvroSchema('null'), ...branches] : branches);
    }
    if (schema.optional) return union([new AvroSchema('null'), this.#inner(nonOptional(schema), false)]);
    const { parameters } = schema;
    const name = this.#nameOrDefault(schema.name);
    const doc = parameters?.[discardTypeDocDefault ? 'connect.record.doc' : this.#options.names.recordDoc] ?? null;
    const record = new AvroSchema('record', { name, doc });
    if (schema.name !== null) this.#records.set(schema.name, record);
    record.fields = schema.fields.map((field) => {
      const fieldDoc = discardTypeDocDefault ? null : (parameters?.[this.#options.names.fieldDocPrefix + field.name] ?? null);
      return this.#field(names.scrubName(field.name, scrubInvalidNames), field.schema, fieldDoc);
    });
    const seen = new Set<string>();
    for (const field of record.fields) {
      if (seen.has(field.name)) throw new AvroRuntimeException(`Duplicate field ${field.name} in record ${name}: ${field.name} and ${field.name}.`);
      seen.add(field.name);
    }
    return record;
  }

  #field(name: string, schema: Schema, fieldDoc: string | null): AvroField {
    const { connectMetaData, discardTypeDocDefault, scrubInvalidNames } = this.#options;
    const wanted = schema.defaultValue !== null ? defaultJson(schema, schema.defaultValue, this.#options) : schema.optional ? null : undefined;
    const scrubbed = schema.name === null ? null : names.scrubFullName(schema.name, scrubInvalidNames);
    const seen = scrubbed !== null && this.#seenInFields.has(scrubbed);
    if (scrubbed !== null) this.#seenInFields.add(scrubbed);
    const avro = this.schema(schema, false);
    checkName(name);
    const props: AvroProps = new Map();
    if (connectMetaData && seen && schema.parameters !== null && [avro, ...avro.branches].some((each) => each.name !== null)) {
      const parameters = this.#parameters(schema.parameters);
      if (parameters !== null) props.set('connect.parameters', parameters);
    }
    const valid = wanted !== undefined && isValidDefault(avro, wanted);
    return { name, doc: discardTypeDocDefault ? schema.doc : fieldDoc, schema: avro, default: valid ? wanted : undefined, props };
  }

  /** What Avro cannot say goes beside it, in an order that makes the text of the schema Confluent's. */
  #annotate(base: AvroSchema, schema: Schema): void {
    const { connectMetaData, discardTypeDocDefault } = this.#options;
    const { props } = base;
    const { name, parameters } = schema;
    if (connectMetaData) {
      if (schema.doc !== null) props.set('connect.doc', schema.doc);
      if (schema.version !== null) props.set('connect.version', schema.version);
      const told = parameters === null ? null : this.#parameters(parameters);
      if (told !== null) props.set('connect.parameters', told);
      if (schema.defaultValue !== null && (discardTypeDocDefault || parameters?.[this.#options.names.fieldDefaultFlag] === undefined)) {
        props.set('connect.default', defaultJson(schema, schema.defaultValue, this.#options));
      }
      if (name !== null) props.set('connect.name', name);
      if (schema.type === 'INT8' || schema.type === 'INT16') props.set('connect.type', schema.type.toLowerCase());
    }
    const logicalType = logicalTypes.get(name?.toLowerCase() ?? '');
    if (logicalType !== undefined) props.set('logicalType', logicalType);
    for (const [key, value] of Object.entries(parameters ?? {})) if (key.startsWith('avro')) props.set(key, value);
  }

  #parameters(parameters: Readonly<Record<string, string>>): Record<string, string> | null {
    const told = Object.entries(parameters).filter(([key]) => this.#options.discardTypeDocDefault || key !== this.#options.names.fieldDefaultFlag);
    return told.length === 0 ? null : Object.fromEntries(told);
  }

  #nameOrDefault(name: string | null): string {
    if (name === null) return `${this.#options.names.defaultSchema}${++this.#unnamed > 1 ? this.#unnamed : ''}`;
    const scrubbed = names.scrubFullName(name, this.#options.scrubInvalidNames);
    checkName(simpleOf(scrubbed));
    return scrubbed;
  }
}

const logicalTypes: ReadonlyMap<string, string> = new Map([
  [DECIMAL.toLowerCase(), 'decimal'],
  [TIME.toLowerCase(), 'time-millis'],
  [TIMESTAMP.toLowerCase(), 'timestamp-millis'],
  [DATE.toLowerCase(), 'date'],
]);

function maybeOptional(schema: Schema, base: AvroSchema): AvroSchema {
  if (!schema.optional) return base;
  const none = new AvroSchema('null');
  return union(schema.defaultValue === null ? [none, base] : [base, none]);
}

function nonOptional(schema: Schema): Schema {
  return schema.with({ optional: false });
}

function union(branches: AvroSchema[]): AvroSchema {
  const seen = new Set<string>();
  for (const branch of branches) {
    if (branch.type === 'union') throw new AvroRuntimeException(`Nested union: ${JSON.stringify(branches.map(String))}`);
    const name = branch.name ?? branch.type;
    if (seen.has(name)) throw new AvroRuntimeException(`Duplicate in union:${name}`);
    seen.add(name);
  }
  return new AvroSchema('union', { branches });
}

const simpleOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function checkName(name: string): void {
  if (name === '') throw new SchemaParseException('Empty name');
  if (!/^[\p{L}_]/u.test(name)) throw new SchemaParseException(`Illegal initial character: ${name}`);
  if (!/^[\p{L}\p{Nd}_]*$/u.test(name)) throw new SchemaParseException(`Illegal character in: ${name}`);
}

function anything(own: names.AvroNames): AvroSchema {
  const root = new AvroSchema('record', { name: own.anything });
  const entry = new AvroSchema('record', { name: own.mapEntry });
  const plain = (name: string, schema: AvroSchema): AvroField => ({ name, doc: null, schema, default: undefined, props: new Map() });
  entry.fields = [plain('key', root), plain('value', root)];
  const optional = (name: string, schema: AvroSchema): AvroField => ({ ...plain(name, union([new AvroSchema('null'), schema])), default: null });
  const types = ['boolean', 'bytes', 'double', 'float', 'int', 'long', 'string'] as const;
  root.fields = [
    ...types.map((type) => optional(type, new AvroSchema(type))),
    optional('array', new AvroSchema('array', { items: root })),
    optional('map', new AvroSchema('array', { items: entry })),
  ];
  return root;
}
