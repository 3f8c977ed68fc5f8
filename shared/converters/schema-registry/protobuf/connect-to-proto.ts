import { DATE, DataException, DECIMAL, type Schema, TIME, TIMESTAMP } from '../../../connect/index.ts';
import * as names from './proto-names.ts';
import { wrappersText } from './well-known-protos.ts';

/** A schema that Protobuf does not allow. */
export class IllegalSchema extends Error {
  readonly javaClass = 'java.lang.IllegalArgumentException';
}

/** The `.proto` text of a Connect schema, and the full name of the message that its values are. */
export interface ProtoText {
  readonly text: string;
  readonly fullName: string;
}

const rootWrappers: Readonly<Partial<Record<Schema['type'], string>>> = {
  INT8: 'Int32Value',
  INT16: 'Int32Value',
  INT32: 'Int32Value',
  INT64: 'Int64Value',
  FLOAT32: 'FloatValue',
  FLOAT64: 'DoubleValue',
  BOOLEAN: 'BoolValue',
  STRING: 'StringValue',
  BYTES: 'BytesValue',
};

const logicalTypes: Readonly<Record<string, readonly [type: string, file: string]>> = {
  [DECIMAL]: [names.DECIMAL_TYPE, 'confluent/type/decimal.proto'],
  [DATE]: [names.DATE_TYPE, 'google/type/date.proto'],
  [TIME]: [names.TIME_TYPE, 'google/type/timeofday.proto'],
  [TIMESTAMP]: [names.TIMESTAMP_TYPE, 'google/protobuf/timestamp.proto'],
};

/** Makes the text in Confluent's form. A lone value is a wrapper message. Throws IllegalSchema and DataException. */
export function protoOf(schema: Schema, options: names.ProtobufOptions): ProtoText {
  if (schema.type !== 'STRUCT') {
    const wrapper = rootWrappers[schema.type];
    if (wrapper === undefined) throw new IllegalSchema(`Unsupported root schema of type ${schema.type}`);
    if (schema.name !== null && logicalTypes[schema.name] !== undefined) {
      throw new DataException(
        `A ${schema.name} on its own cannot be written as Protobuf: put it into a struct, with the transformation HoistField for example`,
      );
    }
    return { text: wrappersText, fullName: `google.protobuf.${wrapper}` };
  }
  return new Translation(options).file(schema);
}

/** Whether a struct stands for a oneof: one of its fields is set. */
export function isUnion(schema: Schema): boolean {
  return schema.name?.startsWith(names.PROTO_UNION) === true || schema.parameters?.[names.GENERALIZED_UNION] !== undefined;
}

/** Whether values of a schema are in a wrapper message, so that a null can be told. */
export function isWrapped(schema: Schema, oneofMember: boolean, { wrapperForNullables }: names.ProtobufOptions): boolean {
  return wrapperForNullables && schema.optional && (!oneofMember || schema.parameters?.[names.PROTO_WRAPPER]?.toLowerCase() === 'true');
}

/** The parameters of an enum begin with this; null when a schema is no enum. */
export function enumParameter(schema: Schema, { generalizedSumTypes }: names.ProtobufOptions): string | null {
  const { parameters } = schema;
  if (parameters?.[names.GENERALIZED_ENUM] === undefined && parameters?.[names.PROTO_ENUM] === undefined) return null;
  return generalizedSumTypes ? names.GENERALIZED_ENUM : names.PROTO_ENUM;
}

/** A message while it is made. */
interface Draft {
  readonly name: string;
  readonly fields: string[];
  readonly oneofs: string[];
  readonly nested: string[];
  readonly enums: string[];
  readonly known: Set<string>;
}

class Translation {
  readonly #options: names.ProtobufOptions;
  readonly #imports = new Set<string>();
  #unnamed = 0;

  constructor(options: names.ProtobufOptions) {
    this.#options = options;
  }

  file(schema: Schema): ProtoText {
    const parts = this.#nameOrDefault(schema.name)
      .split('.')
      .map((part) => names.scrubName(part, this.#options));
    const name = parts.pop() as string;
    const namespace = parts.length === 0 ? null : parts.join('.');
    const message = this.#message(name, schema);
    const imports = [...this.#imports].map((file) => `import "${file}";\n`);
    const head = `syntax = "proto3";\n${namespace === null ? '' : `package ${namespace};\n`}\n`;
    return { text: `${head}${imports.length === 0 ? '' : `${imports.join('')}\n`}${message}`, fullName: namespace === null ? name : `${namespace}.${name}` };
  }

  #message(name: string, schema: Schema): string {
    const draft: Draft = { name: identifier(name), fields: [], oneofs: [], nested: [], enums: [], known: new Set([name]) };
    let index = 1;
    for (const field of schema.fields) {
      const told = field.schema.parameters?.[names.PROTO_TAG];
      const tag = told === undefined ? index++ : Number(told);
      const text = this.#field(draft, field.schema, names.scrubName(field.name, this.#options), tag, 'message');
      if (text !== null) draft.fields.push(text);
    }
    return textOf(draft);
  }

  /** Null for a union, whose members are fields of the message. */
  #field(draft: Draft, given: Schema, name: string, tag: number, place: 'message' | 'oneof' | 'entry'): string | null {
    const { optionalForNullables } = this.#options;
    const repeated = given.type === 'ARRAY' || given.type === 'MAP';
    const label = repeated ? 'repeated ' : optionalForNullables && given.optional && place === 'message' ? 'optional ' : '';
    const schema = given.type === 'ARRAY' ? (given.valueSchema as Schema) : given;
    if (schema.type === 'STRUCT' && isUnion(schema)) {
      this.#unqualified(schema.name);
      this.#oneof(draft, schema);
      return null;
    }
    const params: Record<string, string> = {};
    const type = this.#type(schema, name, params, place === 'oneof');
    this.#declare(draft, schema, type);
    return `${label}${type} ${identifier(name)} = ${tag}${metaOf(params)};\n`;
  }

  /** Tells the type of a field where it is not known yet: a message or an enum within, or an import. */
  #declare(draft: Draft, schema: Schema, type: string): void {
    if (schema.name !== null && logicalTypes[schema.name] !== undefined) this.#imports.add((logicalTypes[schema.name] as readonly [string, string])[1]);
    else if (type.startsWith('google.protobuf.')) this.#imports.add('google/protobuf/wrappers.proto');
    else if (schema.type === 'STRUCT') {
      if (draft.known.has(type)) return;
      draft.known.add(type);
      draft.nested.push(this.#message(type, schema));
    } else if (schema.type === 'MAP') draft.nested.push(this.#entry(type, schema));
    else if (enumParameter(schema, this.#options) !== null) {
      const name = this.#unqualified(schema.name);
      if (draft.known.has(`enum ${name}`)) return;
      draft.known.add(`enum ${name}`);
      draft.enums.push(this.#enum(schema));
    }
  }

  #oneof(draft: Draft, schema: Schema): void {
    const name = this.#options.generalizedSumTypes
      ? (schema.parameters?.[names.GENERALIZED_UNION] ?? '')
      : this.#unqualified((schema.name ?? '').slice(names.PROTO_UNION_PREFIX.length));
    const fields = schema.fields.map((field) => {
      const tag = Number(field.schema.parameters?.[names.PROTO_TAG] ?? 0);
      if (tag === 0) throw new IllegalSchema(`Invalid protobuf schema definition: Field numbers must be positive integers. (${field.name})`);
      return this.#field(draft, field.schema, names.scrubName(field.name, this.#options), tag, 'oneof') ?? '';
    });
    draft.oneofs.push(`oneof ${identifier(name)} {\n${fields.map(indented).join('')}}\n`);
  }

  #entry(type: string, schema: Schema): string {
    const draft: Draft = { name: identifier(type), fields: [], oneofs: [], nested: [], enums: [], known: new Set([type]) };
    draft.fields.push(
      this.#field(draft, schema.keySchema as Schema, 'key', 1, 'entry') ?? '',
      this.#field(draft, schema.valueSchema as Schema, 'value', 2, 'entry') ?? '',
    );
    return textOf(draft);
  }

  #enum(schema: Schema): string {
    const prefix = `${enumParameter(schema, this.#options)}.`;
    const values = Object.entries(schema.parameters ?? {}).flatMap(([key, tag]) =>
      key.startsWith(prefix) ? [`  ${identifier(key.slice(prefix.length))} = ${tag};\n`] : [],
    );
    return `enum ${identifier(this.#unqualified(schema.name))} {\n${values.join('')}}\n`;
  }

  #type(schema: Schema, fieldName: string, params: Record<string, string>, oneofMember: boolean): string {
    const { parameters } = schema;
    if (schema.name === DECIMAL) {
      if (parameters?.[names.CONNECT_PRECISION] !== undefined) params['precision'] = parameters[names.CONNECT_PRECISION];
      if (parameters?.['scale'] !== undefined) params['scale'] = parameters['scale'];
    }
    const logical = schema.name === null ? undefined : logicalTypes[schema.name];
    if (logical !== undefined) return logical[0];
    const wrapped = isWrapped(schema, oneofMember, this.#options);
    const scalar = (type: string, wrapper: string) => (wrapped ? `google.protobuf.${wrapper}` : type);
    switch (schema.type) {
      case 'INT8':
      case 'INT16':
        params['connect.type'] = schema.type.toLowerCase();
        return scalar('int32', 'Int32Value');
      case 'INT32':
        return parameters?.[names.PROTO_ENUM] ?? scalar(parameters?.[names.PROTO_TYPE] ?? 'int32', 'Int32Value');
      case 'INT64': {
        const type = parameters?.[names.PROTO_TYPE] ?? 'int64';
        const isUnsigned = /^(uint|fixed)(32|64)$/.exec(type);
        return scalar(type, isUnsigned ? `UInt${isUnsigned[2]}Value` : 'Int64Value');
      }
      case 'FLOAT32':
        return scalar('float', 'FloatValue');
      case 'FLOAT64':
        return scalar('double', 'DoubleValue');
      case 'BOOLEAN':
        return scalar('bool', 'BoolValue');
      case 'STRING':
        return parameters?.[names.GENERALIZED_ENUM] ?? parameters?.[names.PROTO_ENUM] ?? scalar('string', 'StringValue');
      case 'BYTES':
        return scalar('bytes', 'BytesValue');
      case 'ARRAY':
        throw new IllegalSchema('Array cannot be nested');
      case 'MAP':
        return names.mapEntryName(this.#unqualified(schema.name));
      case 'STRUCT': {
        const name = this.#unqualified(schema.name);
        return name === fieldName ? `${name}Message` : name;
      }
    }
  }

  #unqualified(name: string | null): string {
    const full = this.#nameOrDefault(name);
    return names.scrubName(full.slice(full.lastIndexOf('.') + 1), this.#options);
  }

  #nameOrDefault(name: string | null): string {
    return name === null || name === '' ? `ConnectDefault${++this.#unnamed}` : name;
  }
}

function identifier(name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new IllegalSchema(`Invalid protobuf schema definition: "${name}" is not a valid identifier.`);
}

function textOf({ name, fields, oneofs, nested, enums }: Draft): string {
  if (fields.length + oneofs.length + nested.length + enums.length === 0) return `message ${name} {}\n`;
  const within = [...nested, ...enums].map(indented).join('');
  const members = oneofs.length === 0 ? '' : `\n${oneofs.map(indented).join('')}`;
  return `message ${name} {\n${fields.map(indented).join('')}${members}${within === '' ? '' : `\n${within}`}}\n`;
}

/** Two blanks before every line, empty ones too. */
function indented(text: string): string {
  return text.replace(/^(?!$(?![\s\S]))/gm, '  ');
}

function metaOf(params: Readonly<Record<string, string>>): string {
  const entries = Object.entries(params);
  if (entries.length === 0) return '';
  const texts = entries.map(([key, value]) => {
    // Confluent's text has the two in the order of what they say.
    const pair = [`key: ${JSON.stringify(key)}`, `value: ${JSON.stringify(value)}`];
    return `    {\n      ${(key < value ? pair : pair.reverse()).join(',\n      ')}\n    }`;
  });
  return ` [(confluent.field_meta) = {\n  params: [\n${texts.join(',\n')}\n  ]\n}]`;
}
