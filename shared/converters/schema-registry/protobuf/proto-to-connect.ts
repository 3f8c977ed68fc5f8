import { array, DATE, DECIMAL, map, Schema, type SchemaParts, TIME, TIMESTAMP } from '../../../connect/index.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { isMap, type ProtoField, type ProtoMessage, type ProtoOneof, type ScalarType, wrappedType } from './proto-model.ts';
import * as names from './proto-names.ts';

interface Open {
  schema: Schema | null;
  /** Set when the message is within itself: as a field it is optional, and so it is one schema. */
  cyclic: boolean;
}

type Parts = { -readonly [K in keyof SchemaParts]: SchemaParts[K] };

/** The Connect schema of a message. `version`: that of the subject. */
export function connectSchemaOf(message: ProtoMessage, version: number | null, options: names.ProtobufOptions): Schema {
  return new Translation(options).root(message, version);
}

/** The field of a struct that a oneof is in. */
export function unionFieldName({ name, index }: ProtoOneof, { indexForUnions }: names.ProtobufOptions): string {
  return indexForUnions ? `${name}_${index}` : name;
}

const scalars: Readonly<Record<ScalarType, Schema['type']>> = {
  int32: 'INT32',
  sint32: 'INT32',
  sfixed32: 'INT32',
  uint32: 'INT64',
  fixed32: 'INT64',
  int64: 'INT64',
  uint64: 'INT64',
  sint64: 'INT64',
  fixed64: 'INT64',
  sfixed64: 'INT64',
  float: 'FLOAT32',
  double: 'FLOAT64',
  bool: 'BOOLEAN',
  string: 'STRING',
  bytes: 'BYTES',
};

class Translation {
  readonly #options: names.ProtobufOptions;
  readonly #messages = new Map<string, Open>();

  constructor(options: names.ProtobufOptions) {
    this.#options = options;
  }

  root(message: ProtoMessage, version: number | null): Schema {
    const wrapped = this.#options.wrapperForRawPrimitives ? wrappedType(message) : null;
    return new Schema({ ...(wrapped === null ? this.#message(message).parts() : { type: scalars[wrapped] }), version });
  }

  #message(message: ProtoMessage): Schema {
    const { enhancedSchemaSupport, flattenUnions } = this.#options;
    const open: Open = { schema: null, cyclic: false };
    this.#messages.set(message.fullName, open);
    const unions = message.oneofs.flatMap((oneof) =>
      flattenUnions
        ? oneof.fields.map((field) => ({ name: field.name, schema: this.#field(field, true) }))
        : [{ name: unionFieldName(oneof, this.#options), schema: this.#oneof(message, oneof) }],
    );
    const fields = message.fields.flatMap((field) => (field.oneof === null ? [{ name: field.name, schema: this.#field(field, false) }] : []));
    const name = enhancedSchemaSupport ? message.fullName : message.name;
    open.schema = new Schema({ type: 'STRUCT', name, optional: open.cyclic, fields: [...unions, ...fields] });
    return open.schema;
  }

  #oneof(message: ProtoMessage, { name, fields }: ProtoOneof): Schema {
    const { generalizedSumTypes, enhancedSchemaSupport } = this.#options;
    return new Schema({
      type: 'STRUCT',
      optional: true,
      name: generalizedSumTypes ? name : names.PROTO_UNION_PREFIX + (enhancedSchemaSupport ? `${message.fullName}.${name}` : name),
      parameters: generalizedSumTypes ? { [names.GENERALIZED_UNION]: name } : null,
      fields: fields.map((field) => ({ name: field.name, schema: this.#field(field, true) })),
    });
  }

  #field(field: ProtoField, oneofMember: boolean): Schema {
    const { wrapperForNullables, optionalForNullables } = this.#options;
    const schema = this.#type(field);
    const tag = { [names.PROTO_TAG]: String(field.number) };
    // A message within itself is not complete yet: nothing may be copied from it.
    const cyclic = schema instanceof CyclicSchema;
    if (cyclic && field.repeated) return array(schema, { optional: true, parameters: tag });
    const parameters: Record<string, string> = cyclic ? {} : { ...schema.parameters };
    let { optional } = schema;
    if (oneofMember) {
      optional = true;
      if (wrapperForNullables && field.message !== null && wrappedType(field.message) !== null) parameters[names.PROTO_WRAPPER] = 'true';
    } else if (optionalForNullables) optional ||= field.optional !== null;
    else if (!wrapperForNullables) optional = true;
    if (field.repeated && schema.type !== 'MAP') {
      return array(schema.with({ optional: true }), { optional: true, parameters: tag });
    }
    if (cyclic) return new CyclicSchema(schema.target, optional, tag);
    Object.assign(parameters, tag);
    return schema.with({ optional, parameters });
  }

  #type(field: ProtoField): Schema {
    if (field.type === 'enum') return this.#enum(field);
    if (field.message !== null) return this.#ofMessage(field, field.message);
    const type = field.type as ScalarType;
    const parts: Parts = { type: scalars[type] };
    const { 'connect.type': connectType } = field.params;
    if (parts.type === 'INT32' && (connectType === 'int8' || connectType === 'int16')) return new Schema({ type: connectType === 'int8' ? 'INT8' : 'INT16' });
    if ((parts.type === 'INT32' || parts.type === 'INT64') && type !== 'int32' && type !== 'int64') parts.parameters = { [names.PROTO_TYPE]: type };
    return new Schema(parts);
  }

  #enum({ enumType }: ProtoField): Schema {
    const { intForEnums, enhancedSchemaSupport, generalizedSumTypes } = this.#options;
    const parameter = generalizedSumTypes ? names.GENERALIZED_ENUM : names.PROTO_ENUM;
    const parameters: Record<string, string> = { [parameter]: enumType?.name ?? '' };
    for (const [name, number] of enumType?.values ?? []) parameters[`${parameter}.${name}`] = String(number);
    const name = enhancedSchemaSupport ? enumType?.fullName : enumType?.name;
    return new Schema({ type: intForEnums ? 'INT32' : 'STRING', name, optional: true, parameters });
  }

  #ofMessage(field: ProtoField, message: ProtoMessage): Schema {
    switch (message.fullName) {
      case names.DECIMAL_TYPE: {
        const whole = (text: string | undefined) => (text !== undefined && /^[+-]?\d+$/.test(text) ? String(Number(text)) : null);
        const precision = whole(field.params['precision']);
        const scale = whole(field.params['scale']) ?? '0';
        return new Schema({
          type: 'BYTES',
          name: DECIMAL,
          version: 1,
          optional: true,
          parameters: { scale, ...(precision === null ? {} : { [names.CONNECT_PRECISION]: precision }) },
        });
      }
      case names.DATE_TYPE:
        return new Schema({ type: 'INT32', name: DATE, version: 1, optional: true });
      case names.TIME_TYPE:
        return new Schema({ type: 'INT32', name: TIME, version: 1, optional: true });
      case names.TIMESTAMP_TYPE:
        return new Schema({ type: 'INT64', name: TIMESTAMP, version: 1, optional: true });
    }
    const wrapped = this.#options.wrapperForNullables ? wrappedType(message) : null;
    if (wrapped !== null) return new Schema({ type: scalars[wrapped], optional: true });
    if (isMap(field)) {
      const [key, value] = message.fields as [ProtoField, ProtoField];
      const name = names.mapName(this.#options.enhancedSchemaSupport ? message.fullName : message.name);
      return map(this.#field(key, false), this.#field(value, false), { name, optional: true });
    }
    const open = this.#messages.get(message.fullName);
    if (open === undefined) return this.#message(message).with({ optional: true });
    if (open.schema !== null) return open.schema.with({ optional: true, parameters: null });
    open.cyclic = true;
    return new CyclicSchema(() => open.schema as Schema, true);
  }
}
