import { ConfigException, configDef, keyOrValueTransformation, list, nonDuplicateValues, validator } from '../connect/index.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { cacheBySchema, copyFields, structLike } from './struct-fields.ts';
import { REPLACE_NULL_WITH_DEFAULT, VERSION } from './transform-keys.ts';

const purpose = 'field replacement';

const config = configDef({
  exclude: list({
    default: [],
    validator: nonDuplicateValues({ emptyAllowed: true }),
    importance: 'MEDIUM',
    doc: 'Fields that are dropped, also if `include` has them.',
  }),
  include: list({
    default: [],
    validator: nonDuplicateValues({ emptyAllowed: true }),
    importance: 'MEDIUM',
    doc: 'Fields that are kept; all when there are none here.',
  }),
  renames: list({
    default: [],
    validator: validator('list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>', (_name, value) => {
      parseRenames(value as readonly string[]);
    }),
    importance: 'MEDIUM',
    doc: 'Pairs of old and new names: `old:new`. `include` and `exclude` tell old ones.',
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
  create({ exclude, include, renames, 'replace.null.with.default': replaceNull }) {
    const newNames = parseRenames(renames);
    const dropped = new Set(exclude);
    const kept = new Set(include);
    const stays = (name: string): boolean => !dropped.has(name) && (kept.size === 0 || kept.has(name));
    const renamed = (name: string): string => newNames.get(name) ?? name;
    const plan = cacheBySchema((schema) => {
      const source = schema.fields.filter(({ name }) => stays(name)).map((field) => ({ field, name: renamed(field.name) }));
      return {
        source,
        schema: structLike(
          schema,
          source.map(({ field, name }) => ({ name, schema: field.schema })),
        ),
      };
    });
    return (side) => {
      const { schema, value } = side;
      if (value === null || value === undefined) return side;
      if (schema === null) {
        const updated = new Map<string, unknown>();
        for (const [name, item] of requireMap(value, purpose)) if (stays(name)) updated.set(renamed(name), item);
        return { schema: null, value: updated };
      }
      const struct = requireStruct(schema, value, purpose);
      const { source, schema: updatedSchema } = plan(schema);
      return { schema: updatedSchema, value: copyFields(source, struct, replaceNull) };
    };
  },
});

function parseRenames(renames: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    renames.map((rename) => {
      const [from, to, ...rest] = rename.replace(/:+$/, '').split(':');
      if (from === undefined || to === undefined || rest.length > 0) throw ConfigException.forValue('renames', renames, `Invalid rename mapping: ${rename}`);
      return [from, to];
    }),
  );
}
