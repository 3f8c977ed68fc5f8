import type { ConfigDef, ConfigOf, ConfigShape } from './config/config-def.ts';
import type { ConnectRecord, SchemaAndValue } from './data/record.ts';

/** What is common to all plugin definitions. */
export interface PluginInfo {
  /** The Java class name that people write in their JSON; the plugin's identity. */
  readonly className: string;
  /** Other names under which it can be asked for, besides the simple class name. */
  readonly aliases?: readonly string[];
  /** `major.minor.patch`; Kafka's own plugins carry Kafka's version. */
  readonly version: string;
  /** One or two sentences for documentation. */
  readonly overview: string;
  readonly config: ConfigDef;
}

/** One step of a transformation chain. Returns null to drop the record. Must not change its input. Errors thrown are record errors. */
export interface Transformation {
  apply<R extends ConnectRecord>(record: R): R | null;
  close?(): void;
}

export interface TransformationDefinition extends PluginInfo {
  readonly kind: 'transformation';
  /** Makes an instance from raw config, already stripped of `transforms.<alias>.`. Throws ConfigException. */
  create(config: Readonly<Record<string, string>>): Transformation;
}

/** Tests records; `transforms.<alias>.predicate` names one. */
export interface Predicate {
  test(record: ConnectRecord): boolean;
  close?(): void;
}

export interface PredicateDefinition extends PluginInfo {
  readonly kind: 'predicate';
  create(config: Readonly<Record<string, string>>): Predicate;
}

interface TransformationParts<S extends ConfigShape> extends Omit<PluginInfo, 'config'> {
  readonly config: ConfigDef<S>;
}

/** A transformation of the whole record. */
export function recordTransformation<const S extends ConfigShape>(
  parts: TransformationParts<S> & { create(config: ConfigOf<ConfigDef<S>>, raw: Readonly<Record<string, string>>): Transformation['apply'] | Transformation },
): TransformationDefinition {
  return {
    ...parts,
    kind: 'transformation',
    create: (raw) => {
      const made = parts.create(parts.config.parse(raw), raw);
      return typeof made === 'function' ? { apply: made } : made;
    },
  };
}

/** One side of a record as a `$Key`/`$Value` transformation sees it; `record` is there for what the data alone does not tell. */
export type SideTransformation = (side: SchemaAndValue, record: ConnectRecord) => SchemaAndValue;

/**
 * A transformation that comes as `Class$Key` and `Class$Value`: the two differ only in the side that they read and write.
 * Returns both definitions.
 */
export function keyOrValueTransformation<const S extends ConfigShape>(
  parts: TransformationParts<S> & { create(config: ConfigOf<ConfigDef<S>>, side: 'key' | 'value', raw: Readonly<Record<string, string>>): SideTransformation },
): [key: TransformationDefinition, value: TransformationDefinition] {
  const definition = (side: 'key' | 'value'): TransformationDefinition => ({
    ...parts,
    className: `${parts.className}$${side === 'key' ? 'Key' : 'Value'}`,
    kind: 'transformation',
    create(raw) {
      const apply = parts.create(parts.config.parse(raw), side, raw);
      return {
        apply(record) {
          if (side === 'key') {
            const before = { schema: record.keySchema, value: record.key };
            const after = apply(before, record);
            return after === before ? record : record.withKey(after.schema, after.value);
          }
          const before = { schema: record.valueSchema, value: record.value };
          const after = apply(before, record);
          return after === before ? record : record.withValue(after.schema, after.value);
        },
      };
    },
  });
  return [definition('key'), definition('value')];
}

/** A predicate. */
export function predicate<const S extends ConfigShape>(
  parts: TransformationParts<S> & { create(config: ConfigOf<ConfigDef<S>>): (record: ConnectRecord) => boolean },
): PredicateDefinition {
  return { ...parts, kind: 'predicate', create: (raw) => ({ test: parts.create(parts.config.parse(raw)) }) };
}
