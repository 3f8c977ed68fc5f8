import { array, DataException, map, Schema, type SchemaParts } from '../../../connect/index.ts';
import { CyclicSchema } from '../cyclic-schema.ts';
import { javaHashOrder } from '../java-hash-order.ts';
import * as names from './json-schema-names.ts';
import type { Node } from './json-schema-node.ts';
import { jsonSchemaReader } from './json-schema-reader.ts';

interface Context {
  readonly options: names.JsonSchemaOptions;
  /** Structs that are being translated, or were: one within itself is a cycle, one that is used again gets an id. */
  readonly open: Map<Node, { schema: Schema | null; id: string | null }>;
  ids: number;
  unions: number;
}

type Parts = { -readonly [K in keyof SchemaParts]: SchemaParts[K] };

/** The Connect schema of a JSON Schema. `version`: that of the subject, for schemas that tell none. Throws DataException. */
export function connectSchemaOf(node: Node, version: number | null, options: names.JsonSchemaOptions): Schema {
  return translate(node, version, false, { options, open: new Map(), ids: 0, unions: 0 });
}

function translate(node: Node, version: number | null, forceOptional: boolean, context: Context): Schema {
  if (node.kind === 'reference') return referred(node.target(), version, forceOptional, context);
  if (node.kind === 'combined') {
    const members = node.members.map((member) => member());
    const [only] = members;
    if (members.length === 1 && only !== undefined && context.options.flattenSingletonUnions) return translate(only, null, false, context);
    if (node.criterion === 'allOf') return allOf(node, members, version, forceOptional, context);
    if (members.length === 2 && members.some(({ kind }) => kind === 'null')) {
      const some = members.find(({ kind }) => kind !== 'null');
      if (some !== undefined) return translate(some, version, true, context);
    }
  }
  const { about } = node;
  const open = { schema: null as Schema | null, id: null as string | null };
  if (node.kind === 'object') context.open.set(node, open);
  const parts = partsOf(node, context);
  if (typeof about['title'] === 'string' && (parts.name ?? null) === null) parts.name = about['title'];
  const told = about['connect.version'];
  if (typeof told === 'number') parts.version = told;
  else if (version !== null) parts.version = version;
  if (typeof about['description'] === 'string') parts.doc = about['description'];
  const parameters = about['connect.parameters'];
  if (typeof parameters === 'object' && parameters !== null) parts.parameters = { ...parts.parameters, ...(parameters as Record<string, string>) };
  if (open.id !== null) parts.parameters = { ...parts.parameters, [names.JSON_ID]: open.id };
  if (Object.hasOwn(about, 'default')) {
    const value = jsonSchemaReader(new Schema(parts))(about['default']);
    if (value !== null) parts.defaultValue = value;
  }
  if (forceOptional) parts.optional = true;
  open.schema = new Schema(parts);
  return open.schema;
}

function referred(target: Node, version: number | null, forceOptional: boolean, context: Context): Schema {
  const open = context.open.get(target);
  if (open === undefined) return translate(target, version, forceOptional, context);
  open.id = `#id${++context.ids}`;
  if (open.schema !== null) return open.schema.with({ optional: forceOptional, parameters: { ...open.schema.parameters, [names.JSON_ID]: open.id } });
  return new CyclicSchema(() => open.schema as Schema, forceOptional);
}

function partsOf(node: Node, context: Context): Parts {
  const connectType = node.about['connect.type'];
  switch (node.kind) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'number':
      return { type: numberType(node.integer, connectType) };
    case 'string':
      return { type: connectType === 'bytes' ? 'BYTES' : 'STRING' };
    case 'enum':
      return enumParts(node.values, context.options);
    case 'combined':
      return unionParts(
        node.members.map((member) => member()),
        context,
      );
    case 'array': {
      if (node.items === null) throw new DataException('Array schema did not specify the items type');
      const items = node.items();
      if (connectType !== 'map' || items.kind !== 'object') return array(translate(items, null, false, context)).parts();
      const { key, value } = items.properties;
      if (key === undefined || value === undefined) throw new DataException('Map schema did not specify the key and value type');
      return map(translate(key(), null, false, context), translate(value(), null, false, context)).parts();
    }
    case 'object':
      if (connectType === 'map') {
        if (node.additional === null) throw new DataException('Map schema did not specify the value type');
        return map(Schema.STRING_SCHEMA, translate(node.additional(), null, false, context)).parts();
      }
      return { type: 'STRUCT', fields: fieldsOf(node.properties, (name) => node.required.has(name), true, context) };
    default:
      throw new DataException(`Unsupported schema type org.everit.json.schema.${node.kind === 'null' ? 'NullSchema' : 'EmptySchema'}`);
  }
}

const numberTypes: Readonly<Record<string, Schema['type']>> = {
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FLOAT32',
  float64: 'FLOAT64',
  bytes: 'BYTES',
};

function numberType(integer: boolean, connectType: unknown): Schema['type'] {
  if (connectType === undefined) return integer ? 'INT64' : 'FLOAT64';
  const type = numberTypes[String(connectType)];
  if (type === undefined) throw new DataException(`Unsupported type ${String(connectType)}`);
  return type;
}

function enumParts(values: readonly unknown[], { generalizedSumTypes }: names.JsonSchemaOptions): Parts {
  const parameter = generalizedSumTypes ? names.GENERALIZED_ENUM : names.JSON_ENUM;
  const parameters: Record<string, string> = { [parameter]: '' };
  values.forEach((value, index) => {
    const symbol = value === null ? names.NULL_MARKER : typeof value === 'string' ? value : JSON.stringify(value);
    parameters[`${parameter}.${symbol}`] = generalizedSumTypes ? String(index) : symbol;
  });
  return { type: 'STRING', parameters };
}

function unionParts(members: readonly Node[], context: Context): Parts {
  const { generalizedSumTypes } = context.options;
  const name = generalizedSumTypes ? `connect_union_${context.unions++}` : names.JSON_ONE_OF;
  const fields = members
    .filter(({ kind }) => kind !== 'null')
    .map((member, index) => ({
      name: generalizedSumTypes ? `connect_union_field_${index}` : `${name}.field.${index}`,
      schema: translate(member, null, true, context),
    }));
  return {
    type: 'STRUCT',
    name,
    optional: members.some(({ kind }) => kind === 'null'),
    parameters: generalizedSumTypes ? { [names.GENERALIZED_UNION]: name } : null,
    fields,
  };
}

/** Fields in the order of `connect.index`; those without one are placed after what is there so far. */
function fieldsOf(
  properties: Readonly<Record<string, () => Node>>,
  isRequired: (name: string) => boolean,
  indexed: boolean,
  context: Context,
): { name: string; schema: Schema }[] {
  const places = new Map<number, string>();
  for (const name of indexed ? javaHashOrder(Object.keys(properties)) : Object.keys(properties)) {
    const index = indexed ? properties[name]?.().about['connect.index'] : undefined;
    places.set(typeof index === 'number' ? index : places.size, name);
  }
  return [...places]
    .sort(([one], [other]) => one - other)
    .map(([, name]) => {
      const optional = context.options.optionalForNonRequired && !isRequired(name);
      return { name, schema: translate((properties[name] as () => Node)(), null, optional, context) };
    });
}

/** Several things said at once: the properties of all, or else what tells the type best. */
function allOf(node: Node, members: readonly Node[], version: number | null, forceOptional: boolean, context: Context): Schema {
  const properties: Record<string, () => Node> = {};
  const required = new Map<string, boolean>();
  for (const member of members) collect(member, properties, required, new Set());
  if (Object.keys(properties).length > 0) {
    const open = { schema: null as Schema | null, id: null as string | null };
    context.open.set(node, open);
    const fields = fieldsOf(properties, (name) => required.get(name) === true, false, context);
    open.schema = new Schema({ type: 'STRUCT', optional: forceOptional, fields, parameters: open.id === null ? null : { [names.JSON_ID]: open.id } });
    return open.schema;
  }
  const last = (kind: Node['kind']) => members.findLast((member) => member.kind === kind);
  const combined = last('combined');
  if (combined !== undefined) return translate(combined, version, forceOptional, context);
  const [text, number, values, reference] = [last('string'), last('number'), last('enum'), last('reference')];
  if (values?.kind === 'enum') {
    const isConst = Object.hasOwn(node.about, 'const') || Object.hasOwn(values.about, 'const');
    if (text !== undefined) return translate(isConst ? text : values, version, forceOptional, context);
    if (number !== undefined) return translate(number, version, forceOptional, context);
  } else if (text !== undefined) {
    return translate(number ?? text, version, forceOptional, context);
  } else if (reference?.kind === 'reference') {
    return referred(reference.target(), version, forceOptional, context);
  }
  throw new DataException(`Unsupported criterion allOf for ${JSON.stringify(node.about)}`);
}

function collect(node: Node, properties: Record<string, () => Node>, required: Map<string, boolean>, visited: Set<Node>): void {
  if (visited.has(node)) return;
  visited.add(node);
  if (node.kind === 'combined' && node.criterion === 'allOf') for (const member of node.members) collect(member(), properties, required, visited);
  if (node.kind === 'reference') collect(node.target(), properties, required, visited);
  if (node.kind !== 'object') return;
  for (const name of javaHashOrder(Object.keys(node.properties))) {
    properties[name] = node.properties[name] as () => Node;
    required.set(name, node.required.has(name));
  }
}
