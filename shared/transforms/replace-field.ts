import {
  ConfigException,
  configDef,
  DataException,
  type Field,
  keyOrValueTransformation,
  list,
  nonDuplicateValues,
  type Schema,
  validator,
} from '../connect/index.ts';
import { hashOrder } from '../connect/java/hash-order.ts';
import { javaClassName } from '../connect/java/java-value.ts';
import { NestedFields, usesPaths } from './nested-fields.ts';
import { requireMap, requireStruct, requireText } from './requirements.ts';
import { type CopiedField, cacheBySchema, fieldCopier, structLike } from './struct-fields.ts';
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
      const moved = fields.map(({ field, name }) => moveOf(schema, oldNames.get(name) ?? field.name, field, name));
      return { schema: updated, copy: fieldCopier(moved, replaceNull) };
    });
    return (side) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        const map = requireMap(value, purpose);
        const updated = new Map<string, unknown>();
        let fields = 0;
        for (const [name, item] of map) {
          requireText(name);
          if (!stays(name)) continue;
          updated.set(renamed(name), item);
          fields++;
        }
        // Where two got one name, the later one in a HashMap wins.
        if (updated.size < fields) for (const name of hashOrder([...map.keys()] as string[])) if (stays(name)) updated.set(renamed(name), map.get(name));
        return { schema: null, value: updated };
      }
      const struct = requireStruct(schema, value, purpose);
      const { copy, schema: updatedSchema } = plan(schema);
      return { schema: updatedSchema, value: copy(struct) };
    };
  },
});

/** The field of a copy whose value comes from `source`. What does not fit is told by the first record that has a value. */
function moveOf(schema: Schema, source: string, { schema: own }: Field, name: string): CopiedField {
  const field = schema.field(source);
  if (field === undefined) {
    const missing = (): never => {
      throw new DataException(`${source} is not a valid field name`);
    };
    return { field: { name: source, index: 0, schema: own }, name, change: missing };
  }
  if (field.schema.type === own.type) return { field, name, schema: own };
  const misfit = (value: unknown): null => {
    if (value === null) return null;
    const typed = own.name === null ? '' : `"${own.name}" `;
    const found = `schema ${typed}with type ${own.type}: class ${javaClassName(field.schema, value)}`;
    throw new DataException(`Invalid Java object for ${found} for field: "${name}"`);
  };
  return { field, name, schema: own, change: misfit };
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
