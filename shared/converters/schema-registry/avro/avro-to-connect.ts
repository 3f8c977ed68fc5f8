import { DATE, DataException, DECIMAL, isConnectException, type Logger, map, Schema, type SchemaParts, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { defaultOf } from './avro-defaults.ts';
import * as names from './avro-names.ts';
import type { AvroSchema } from './avro-schema.ts';

interface Context {
  readonly options: names.AvroDataOptions;
  readonly logger: Logger;
  /** Records that are being translated: one of these within itself is a cycle. */
  readonly open: Map<AvroSchema, { schema: Schema | null }>;
  unions: number;
}

/** Parts of a schema while it is built. */
type Parts = { -readonly [K in keyof SchemaParts]: SchemaParts[K] } & { parameters: Record<string, string> };

/** The Connect schema of an Avro schema. `version`: that of the subject, for schemas that tell none. Throws DataException. */
export function connectSchemaOf(avro: AvroSchema, version: number | null, options: names.AvroDataOptions, logger: Logger): Schema {
  return translate(avro, { forceOptional: false, fieldDefault: undefined, docDefault: null, version }, { options, logger, open: new Map(), unions: 0 });
}

interface Place {
  readonly forceOptional: boolean;
  /** JSON of the field's default; undefined: none. */
  readonly fieldDefault: unknown;
  readonly docDefault: string | null;
  readonly version: number | null;
}

const inside = (forceOptional: boolean, docDefault: string | null = null): Place => ({ forceOptional, fieldDefault: undefined, docDefault, version: null });

function withCycles(avro: AvroSchema, place: Place, context: Context): Schema {
  const open = context.open.get(avro);
  return open === undefined ? translate(avro, place, context) : new CyclicSchema(() => open.schema as Schema, place.forceOptional);
}

function translate(avro: AvroSchema, place: Place, context: Context): Schema {
  const { options } = context;
  const flattened = flattenedBranch(avro, options);
  if (flattened !== null) return withCycles(flattened, inside(avro.branches.length > 1, place.docDefault), context);
  const open = { schema: null as Schema | null };
  if (avro.type === 'record') context.open.set(avro, open);
  const parts = partsOf(avro, context);
  annotate(parts, avro, place, options);
  applyDefault(parts, avro, place, context);
  const name = nameOf(avro, parts);
  if (name !== null && !name.startsWith(options.names.defaultSchema)) {
    if (parts.name !== undefined && parts.name !== null && parts.name !== name) {
      throw new DataException(`Mismatched names: name already added to SchemaBuilder (${parts.name}) differs from name in source schema (${name})`);
    }
    parts.name = name;
  }
  if (place.forceOptional) parts.optional = true;
  context.open.delete(avro);
  open.schema = build(parts);
  return open.schema;
}

/** The branch that a union is translated as: that beside null, or the only one. */
function flattenedBranch({ type, branches }: AvroSchema, { flattenSingletonUnions }: names.AvroDataOptions): AvroSchema | null {
  if (type !== 'union') return null;
  if (branches.length === 1 && flattenSingletonUnions) return branches[0] as AvroSchema;
  if (branches.length !== 2 || !branches.some(isPlainNull)) return null;
  return branches.find((branch) => !isPlainNull(branch)) ?? null;
}

const isPlainNull = ({ type, props }: AvroSchema): boolean => type === 'null' && props.size === 0;

function partsOf(avro: AvroSchema, context: Context): Parts {
  const { options } = context;
  const connectType = avro.textProp('connect.type');
  const logicalType = avro.textProp('logicalType')?.toLowerCase() ?? null;
  switch (avro.type) {
    case 'boolean':
      return { type: 'BOOLEAN', parameters: {} };
    case 'double':
      return { type: 'FLOAT64', parameters: {} };
    case 'float':
      return { type: 'FLOAT32', parameters: {} };
    case 'string':
      return { type: 'STRING', parameters: {} };
    case 'bytes':
    case 'fixed':
      return bytesParts(avro, logicalType);
    case 'int':
      if (logicalType === 'date') return { type: 'INT32', name: DATE, version: 1, parameters: {} };
      if (logicalType === 'time-millis') return { type: 'INT32', name: TIME, version: 1, parameters: {} };
      if (logicalType !== null || connectType === null) return { type: 'INT32', parameters: {} };
      if (connectType !== 'int8' && connectType !== 'int16') throw new DataException('Connect type annotation for Avro int field is null');
      return { type: connectType === 'int8' ? 'INT8' : 'INT16', parameters: {} };
    case 'long':
      return logicalType === 'timestamp-millis' ? { type: 'INT64', name: TIMESTAMP, version: 1, parameters: {} } : { type: 'INT64', parameters: {} };
    case 'array': {
      const items = avro.items as AvroSchema;
      if (!isMapEntry(items, context.options)) return { type: 'ARRAY', parameters: {}, valueSchema: withCycles(items, inside(false), context) };
      const [key, value] = [items.field('key'), items.field('value')];
      if (items.fields.length !== 2 || key === undefined || value === undefined)
        throw new DataException('Found map encoded as array of key-value pairs, but array elements do not match the expected format.');
      const entry = { ...context, open: new Map() };
      return { ...map(translate(key.schema, inside(false), entry), translate(value.schema, inside(false), entry)).parts(), parameters: {} };
    }
    case 'map':
      return { type: 'MAP', parameters: {}, keySchema: Schema.STRING_SCHEMA, valueSchema: withCycles(avro.items as AvroSchema, inside(false), context) };
    case 'record':
      return recordParts(avro, context);
    case 'enum':
      return enumParts(avro, options);
    case 'union':
      return unionParts(avro, context);
    case 'null':
      throw new DataException('Standalone null schemas are not supported by this converter');
  }
}

function bytesParts(avro: AvroSchema, logicalType: string | null): Parts {
  const parts: Parts = { type: 'BYTES', parameters: {} };
  if (logicalType === 'decimal') {
    const scale = avro.props.get('scale');
    Object.assign(parts, { name: DECIMAL, version: 1, parameters: { scale: String(typeof scale === 'number' ? scale : 0) } });
    const precision = avro.props.get('precision') ?? null;
    if (precision !== null) {
      if (typeof precision !== 'number')
        throw new DataException('precision property must be a JSON Integer. https://avro.apache.org/docs/1.9.1/spec.html#Decimal');
      if (precision !== names.DEFAULT_PRECISION) parts.parameters[names.DECIMAL_PRECISION] = String(precision);
    }
  }
  if (avro.type === 'fixed') parts.parameters[names.FIXED_SIZE] = String(avro.size);
  return parts;
}

function recordParts(avro: AvroSchema, context: Context): Parts {
  const { names: own, connectMetaData, discardTypeDocDefault } = context.options;
  const parameters: Record<string, string> = {};
  const docs = connectMetaData && !discardTypeDocDefault;
  if (docs && avro.doc !== null) parameters[own.recordDoc] = avro.doc;
  const fields = avro.fields.map((field) => {
    if (docs && field.doc !== null) parameters[own.fieldDocPrefix + field.name] = field.doc;
    const place = { forceOptional: false, fieldDefault: field.default, docDefault: field.doc, version: null };
    const schema = translate(field.schema, place, context);
    const told = field.props.get('connect.parameters');
    return { name: field.name, schema: connectMetaData && isObject(told) ? withParameters(schema, told) : schema };
  });
  return { type: 'STRUCT', parameters, fields };
}

/** Parameters of a field itself: its type was told elsewhere, for a field with others. */
function withParameters(schema: Schema, own: Readonly<Record<string, unknown>>): Schema {
  const parameters = Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)]));
  if (Object.entries(parameters).every(([key, value]) => schema.parameters?.[key] === value)) return schema;
  return schema.with({ parameters: { ...schema.parameters, ...parameters } });
}

function enumParts(avro: AvroSchema, { names: own, connectMetaData, discardTypeDocDefault, generalizedSumTypes }: names.AvroDataOptions): Parts {
  const parameters: Record<string, string> = {};
  if (connectMetaData) {
    if (avro.doc !== null) parameters[discardTypeDocDefault ? 'connect.enum.doc' : own.enumDocPrefix + avro.simpleName] = avro.doc;
    if (!discardTypeDocDefault && avro.enumDefault !== null) parameters[own.enumDefaultPrefix + avro.simpleName] = avro.enumDefault;
  }
  const parameter = generalizedSumTypes ? names.GENERALIZED_ENUM : own.enum;
  parameters[parameter] = avro.name as string;
  avro.symbols.forEach((symbol, index) => {
    parameters[`${parameter}.${symbol}`] = generalizedSumTypes ? String(index) : symbol;
  });
  return { type: 'STRING', parameters };
}

function unionParts(avro: AvroSchema, context: Context): Parts {
  const { options } = context;
  const name = options.generalizedSumTypes ? `connect_union_${context.unions++}` : options.names.union;
  const fields = new Map<string, Schema>();
  avro.branches.forEach((branch, index) => {
    if (branch.type === 'null') return;
    const field = unionFieldName(branch, index, options);
    if (fields.has(field)) throw new DataException('Multiple union schemas map to the Connect union field name');
    fields.set(field, withCycles(branch, inside(true), context));
  });
  return {
    type: 'STRUCT',
    name,
    optional: avro.branches.some(({ type }) => type === 'null'),
    parameters: options.generalizedSumTypes ? { [names.GENERALIZED_UNION]: name } : {},
    fields: Array.from(fields, ([each, schema]) => ({ name: each, schema })),
  };
}

/** The field of a union's struct that a branch goes into. */
export function unionFieldName(
  branch: AvroSchema,
  index: number,
  { generalizedSumTypes, enhancedSchemaSupport, scrubInvalidNames }: names.AvroDataOptions,
): string {
  if (generalizedSumTypes) return `connect_union_field_${index}`;
  if (branch.name === null) return branch.type;
  return enhancedSchemaSupport ? branch.name : names.simpleName(branch.name, scrubInvalidNames);
}

function annotate(parts: Parts, avro: AvroSchema, { docDefault, version }: Place, { connectMetaData, discardTypeDocDefault }: names.AvroDataOptions): void {
  const { parameters } = parts;
  const connectDoc = avro.textProp('connect.doc');
  if (discardTypeDocDefault) {
    parts.doc = docDefault ?? avro.doc ?? connectDoc;
    if (connectMetaData && avro.doc !== null) parameters['connect.record.doc'] = avro.doc;
  } else if (connectMetaData) {
    parts.doc = connectDoc;
  }
  const told = avro.props.get('connect.version') ?? null;
  if (told !== null && typeof told !== 'number') throw new DataException(`Invalid Connect version found: ${JSON.stringify(told)}`);
  const wanted = told ?? version ?? -1;
  if (wanted >= 0) {
    if (parts.version !== undefined && parts.version !== null && parts.version !== wanted)
      throw new DataException(
        `Mismatched versions: version already added to SchemaBuilder (${parts.version}) differs from version in source schema (${wanted})`,
      );
    parts.version = wanted;
  }
  const own = avro.props.get('connect.parameters') ?? null;
  if (connectMetaData && own !== null) {
    if (!isObject(own)) throw new DataException(`Expected JSON object for schema parameters but found: ${JSON.stringify(own)}`);
    for (const [key, value] of Object.entries(own)) {
      if (typeof value !== 'string') throw new DataException(`Expected schema parameter values to be strings but found: ${JSON.stringify(value)}`);
      parameters[key] = value;
    }
  }
  for (const [key, value] of avro.props) if (key.startsWith('avro')) parameters[key] = typeof value === 'string' ? value : JSON.stringify(value);
}

/** The field's default, or else `connect.default`. One that does not fit is ignored. */
function applyDefault(parts: Parts, avro: AvroSchema, { fieldDefault }: Place, { options, logger }: Context): void {
  const connectDefault = avro.props.get('connect.default');
  if (fieldDefault !== undefined && connectDefault === undefined && options.connectMetaData && !options.discardTypeDocDefault) {
    parts.parameters[options.names.fieldDefaultFlag] = 'true';
  }
  const json = fieldDefault === undefined ? connectDefault : fieldDefault;
  if (json === undefined) return;
  try {
    const value = defaultOf(avro, build(parts), json, fieldDefault !== undefined);
    if (value !== null) parts.defaultValue = value;
  } catch (error) {
    if (!isConnectException(error)) throw error;
    logger.warn('A default does not fit its schema and is ignored', { schema: avro.name ?? avro.type, error: error.message });
  }
}

function nameOf(avro: AvroSchema, { name }: Parts): string | null {
  const told = avro.props.get('connect.name') ?? null;
  if (told !== null) {
    if (typeof told !== 'string') throw new DataException(`Invalid schema name: ${JSON.stringify(told)}`);
    return told;
  }
  return avro.type === 'fixed' && name === DECIMAL ? null : avro.name;
}

function isMapEntry(schema: AvroSchema, options: names.AvroDataOptions): boolean {
  return schema.type === 'record' && (schema.name === options.names.mapEntry || schema.props.get('connect.internal.type') === names.MAP_ENTRY);
}

function build({ parameters, ...parts }: Parts): Schema {
  return new Schema({ ...parts, parameters: Object.keys(parameters).length === 0 ? null : parameters });
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
