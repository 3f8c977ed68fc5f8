import { ConfigException, configDef, DataException, keyOrValueTransformation, list, nonDuplicateValues, type Schema, validator } from '../connect/index.ts';
import { hashOrder } from '../connect/java/hash-order.ts';
import { javaClassName } from '../connect/java/java-value.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct, requireText, type StructValue } from './requirements.ts';
import { cacheBySchema, fieldValue, putField, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'field replacement';

const config = configDef({
  exclude: list({
    default: [],
    validator: nonDuplicateValues({ emptyAllowed: true }),
    importance: 'MEDIUM',
    doc: 'Fields to exclude. This takes precedence over the fields to include.',
  }),
  include: list({
    default: [],
    validator: nonDuplicateValues({ emptyAllowed: true }),
    importance: 'MEDIUM',
    doc: 'Fields to include. If specified, only these fields will be used.',
  }),
  renames: list({
    default: [],
    validator: validator('list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>', (_name, value) => {
      parseRenames(value as readonly string[]);
    }),
    importance: 'MEDIUM',
    doc: 'Field rename mappings.',
  }),
  ...REPLACE_NULL_WITH_DEFAULT,
});

/**
 * Drops and renames fields.
 * `{"transforms.t.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.t.exclude": "secret"}`
 */
export const replaceField = keyOrValueTransformation({
  className: 'org.apache.kafka.connect.transforms.ReplaceField',
  version: VERSION,
  overview: 'Drops fields and renames them.',
  config,
  create({ exclude, include, renames, 'replace.null.with.default': replaceNull }, _side, raw) {
    const newNames = parseRenames(renames);
    if (usesPaths(raw)) {
      const nested = new NestedFields({ purpose, replaceNull, keepOnly: include.length > 0 });
      for (const path of include) nested.change(path, {});
      for (const [path, name] of newNames) if (include.length === 0 || include.includes(path)) nested.change(path, { name });
      for (const path of exclude) nested.change(path, { drop: true });
      return (side, record) => (side.value === null || side.value === undefined ? side : nested.apply(side, record));
    }
    const oldNames = new Map(hashOrder([...newNames.keys()]).map((from) => [newNames.get(from), from]));
    const dropped = new Set(exclude);
    const kept = new Set(include);
    const stays = (name: string): boolean => !dropped.has(name) && (kept.size === 0 || kept.has(name));
    const renamed = (name: string): string => newNames.get(name) ?? name;
    const plan = cacheBySchema((schema) => {
      const fields = schema.fields.filter(({ name }) => stays(name)).map((field) => ({ field, name: renamed(field.name) }));
      const updated = structLike(
        schema,
        fields.map(({ field, name }) => ({ name, schema: field.schema })),
      );
      // As in Kafka Connect, values are looked up by the old names of the new ones, whatever field had this name before.
      return { schema: updated, source: fields.map(({ field, name }) => moveOf(schema, oldNames.get(name) ?? field.name, { name, schema: field.schema })) };
    });
    return (side) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        const updated = new Map<string, unknown>();
        for (const [name, item] of requireMap(value, purpose)) {
          requireText(name);
          if (stays(name)) updated.set(renamed(name), item);
        }
        return { schema: null, value: updated };
      }
      const struct = requireStruct(schema, value, purpose);
      const { source, schema: updatedSchema } = plan(schema);
      const updated: Record<string, unknown> = {};
      for (const move of source) move(struct, replaceNull, updated);
      return { schema: updatedSchema, value: updated };
    };
  },
});

type Move = (struct: StructValue, replaceNull: boolean, updated: Record<string, unknown>) => void;

/** Moves the value of one field into a new one. What does not fit is told by the first record that has a value. */
function moveOf(schema: Schema, source: string, target: { readonly name: string; readonly schema: Schema }): Move {
  const field = schema.field(source);
  const fits = field?.schema.type === target.schema.type;
  return (struct, replaceNull, updated) => {
    if (field === undefined) throw new DataException(`${source} is not a valid field name`);
    const value = fieldValue(field, struct, replaceNull);
    if (value !== null && !fits) {
      const name = target.schema.name === null ? '' : `"${target.schema.name}" `;
      const found = `schema ${name}with type ${target.schema.type}: class ${javaClassName(field.schema, value)}`;
      throw new DataException(`Invalid Java object for ${found} for field: "${target.name}"`);
    }
    putField(updated, target.name, target.schema, value);
  };
}

function parseRenames(renames: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    renames.map((rename) => {
      const [from, to, ...rest] = rename.replace(/:+$/, '').split(':');
      if (from === undefined || to === undefined || rest.length > 0) throw ConfigException.forValue('renames', renames, `Invalid rename mapping: ${rename}`);
      return [from, to];
    }),
  );
}
