import { configDef, DataException, type Field, keyOrValueTransformation, type Schema, string, structGet } from '../connect/index.ts';
import { javaClassName, javaTypeOf } from '../connect/java/java-value.ts';
import { requireMap, requireStruct, requireText, type StructValue } from './requirements.ts';
import { cacheBySchema, fieldValue, putField, structLike } from './struct-fields.ts';
import { VERSION } from './transform-keys.ts';

const purpose = 'flattening';

/** A field of the flat struct, and the way to it. */
interface Leaf {
  readonly name: string;
  readonly parents: readonly string[];
  readonly field: Field;
  readonly schema: Schema;
}

/**
 * Brings nested fields to the top, their names joined: `{"a": {"b": 1}}` becomes `{"a.b": 1}`.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.Flatten$Value", "transforms.t.delimiter": "_"}`
 */
export const flatten = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.Flatten',
  version: VERSION,
  overview: 'Brings the fields of nested structs and maps to the top, their names joined. Lists stay as they are.',
  config: configDef({
    delimiter: string({
      default: '.',
      importance: 'MEDIUM',
      doc: 'Delimiter to insert between field names from the input record when generating field names for the output record',
    }),
  }),
  create({ delimiter }) {
    const join = (prefix: string, name: string): string => (prefix === '' ? name : prefix + delimiter + name);
    const plan = cacheBySchema((schema) => {
      const leaves = [...leavesOf(schema, '', [], schema.optional, schema.defaultValue as StructValue | null, join)];
      return { leaves, schema: structLike(schema, leaves) };
    });
    return (side) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        const flat = new Map<string, unknown>();
        flattenMap(requireMap(value, purpose), '', flat, join);
        return { schema: null, value: flat };
      }
      const struct = requireStruct(schema, value, purpose);
      const { leaves, schema: flatSchema } = plan(schema);
      const flat: Record<string, unknown> = {};
      for (const { name, parents, field, schema: own } of leaves) {
        const parent = structAt(struct, parents);
        // What is in a struct that is not there is not looked at, required or not.
        if (parent === null) flat[name] = null;
        else putField(flat, name, own, fieldValue(field, parent, true));
      }
      return { schema: flatSchema, value: flat };
    };
  },
});

/** Children of an optional struct are optional, and have the defaults that its own default gives them. */
function* leavesOf(
  schema: Schema,
  prefix: string,
  parents: readonly string[],
  optional: boolean,
  defaults: StructValue | null,
  join: (prefix: string, name: string) => string,
): Iterable<Leaf> {
  for (const field of schema.fields) {
    const name = join(prefix, field.name);
    const own = field.schema;
    const isOptional = optional || own.optional;
    const defaultValue = own.defaultValue ?? (defaults === null ? null : structGet(schema, defaults, field.name)) ?? null;
    if (own.type === 'MAP') throw new DataException(`Flatten transformation does not support MAP for record with schemas (for field ${name}).`);
    if (own.type === 'STRUCT') yield* leavesOf(own, name, [...parents, field.name], isOptional, defaultValue as StructValue | null, join);
    else yield { name, parents, field, schema: own.with({ optional: isOptional, defaultValue }) };
  }
}

function structAt(struct: StructValue, parents: readonly string[]): StructValue | null {
  let current: StructValue | null = struct;
  for (const parent of parents) {
    current = (current[parent] as StructValue | null | undefined) ?? null;
    if (current === null) return null;
  }
  return current;
}

function flattenMap(map: ReadonlyMap<string, unknown>, prefix: string, flat: Map<string, unknown>, join: (prefix: string, name: string) => string): void {
  for (const [key, value] of map) {
    requireText(key);
    const name = join(prefix, key);
    if (value instanceof Map) flattenMap(value, name, flat, join);
    else {
      const type = value === null || value === undefined ? 'STRING' : javaTypeOf(null, value);
      if (type === null || type === 'DATE' || type === 'DECIMAL' || type === 'BIGINTEGER')
        throw new DataException(
          `Flatten transformation was passed a value of type class ${javaClassName(null, value)} which is not supported by Connect's data API`,
        );
      flat.set(name, value ?? null);
    }
  }
}
