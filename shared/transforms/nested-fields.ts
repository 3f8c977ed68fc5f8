import { ConfigException, type ConnectRecord, Schema, type SchemaAndValue, type SchemaParts } from '../connect/index.ts';
import { stepsOf } from './field-path.ts';
import { requireMap, requireStruct, type StructValue } from './requirements.ts';
import { cacheBySchema, fieldValue, putField } from './struct-fields.ts';

/**
 * `field.syntax.version` of a transformation that has no such key in Kafka Connect (KIP-821 gave it to ExtractField only).
 * It is read beside the declared keys, so that these are Kafka Connect's. Throws ConfigException.
 */
export function usesPaths(raw: Readonly<Record<string, string>>): boolean {
  const version = raw['field.syntax.version'] ?? 'V1';
  if (/^v[12]$/i.test(version)) return version.toUpperCase() === 'V2';
  throw ConfigException.forValue('field.syntax.version', version, 'String must be one of (case insensitive): V1, V2');
}

/** What becomes of the field at the end of a path. */
export interface FieldChange {
  readonly drop?: boolean;
  /** Its new name, in the same struct. */
  readonly name?: string;
  readonly schema?: (schema: Schema) => Schema;
  readonly value?: (schema: Schema | null, value: unknown) => unknown;
}

/** A field that is added to the struct at a path. Without a schema a value of null is left out. */
export interface FieldAddition {
  readonly name: string;
  readonly schema: Schema;
  readonly typed: (record: ConnectRecord) => unknown;
  readonly schemaless: (record: ConnectRecord) => unknown;
}

/** A place on the way to what changes. */
interface Place {
  readonly children: Map<string, Place>;
  change: FieldChange | null;
  readonly additions: FieldAddition[];
}

/** A struct's new schema, and how its values become those of it. */
interface Plan {
  readonly schema: Schema;
  apply(struct: StructValue, record: ConnectRecord): Record<string, unknown>;
}

interface Options {
  /** What messages call the work of the transformation. */
  readonly purpose: string;
  readonly replaceNull: boolean;
  /** Drops every field that no path leads to or through. */
  readonly keepOnly?: boolean;
}

/**
 * Changes fields deep within structs and maps. Paths lead through structs, or through maps where there is no schema; what
 * they lead to need not be there. Everything else stays as it is.
 */
export class NestedFields {
  readonly #root: Place = emptyPlace();
  readonly #options: Options;
  readonly #planOf: (schema: Schema) => Plan;

  constructor(options: Options) {
    this.#options = options;
    this.#planOf = cacheBySchema((schema) => this.#plan(schema, this.#root));
  }

  /** Changes the field that a path leads to. Throws ConfigException for a backtick without its other. */
  change(path: string, change: FieldChange): void {
    const place = this.#place(stepsOf(path));
    place.change = { ...place.change, ...change };
  }

  /** Adds a field at a path; its last step is the name. */
  add(path: string, addition: Omit<FieldAddition, 'name'>): void {
    const steps = stepsOf(path);
    this.#place(steps.slice(0, -1)).additions.push({ ...addition, name: steps.at(-1) ?? '' });
  }

  apply({ schema, value }: SchemaAndValue, record: ConnectRecord): SchemaAndValue {
    const { purpose } = this.#options;
    if (schema === null) return { schema: null, value: this.#applyToMap(requireMap(value, purpose), this.#root, record) };
    const struct = requireStruct(schema, value, purpose);
    const plan = this.#planOf(schema);
    return { schema: plan.schema, value: plan.apply(struct, record) };
  }

  #place(steps: readonly string[]): Place {
    let place = this.#root;
    for (const step of steps) {
      let next = place.children.get(step);
      if (next === undefined) {
        next = emptyPlace();
        place.children.set(step, next);
      }
      place = next;
    }
    return place;
  }

  #drops(place: Place | undefined): boolean {
    return place === undefined ? this.#options.keepOnly === true : place.change?.drop === true;
  }

  #plan(schema: Schema, { children, additions }: Place): Plan {
    const kept = schema.fields.flatMap((field) => {
      const place = children.get(field.name);
      if (this.#drops(place)) return [];
      const inner = place !== undefined && isWay(place) && field.schema.type === 'STRUCT' ? this.#plan(field.schema, place) : null;
      const through = inner?.schema ?? field.schema;
      const { change = null } = place ?? {};
      return [{ field, inner, change, through, name: change?.name ?? field.name, schema: change?.schema?.(through) ?? through }];
    });
    const fields = [...kept, ...additions].map(({ name, schema: own }) => ({ name, schema: own }));
    const { optional, name, version, doc, parameters } = schema;
    const bare: SchemaParts = { type: 'STRUCT', optional, name, version, doc, parameters, fields };
    const { replaceNull } = this.#options;
    return {
      schema: new Schema(bare),
      apply(struct, record) {
        const updated: Record<string, unknown> = {};
        for (const { field, inner, change, through, name: newName, schema: own } of kept) {
          const before = fieldValue(field, struct, replaceNull);
          const within = inner !== null && before !== null ? inner.apply(before as StructValue, record) : before;
          putField(updated, newName, own, change?.value === undefined ? within : change.value(through, within));
        }
        for (const addition of additions) updated[addition.name] = addition.typed(record);
        return updated;
      },
    };
  }

  #applyToMap(map: ReadonlyMap<string, unknown>, { children, additions }: Place, record: ConnectRecord): Map<string, unknown> {
    const updated = new Map<string, unknown>();
    for (const [name, value] of map) {
      const place = children.get(name);
      if (this.#drops(place)) continue;
      const within = place !== undefined && isWay(place) && value instanceof Map ? this.#applyToMap(value, place, record) : value;
      const { change = null } = place ?? {};
      updated.set(change?.name ?? name, change?.value === undefined ? within : change.value(null, within));
    }
    for (const { name, schemaless } of additions) {
      const value = schemaless(record);
      if (value !== null) updated.set(name, value);
    }
    return updated;
  }
}

function emptyPlace(): Place {
  return { children: new Map(), change: null, additions: [] };
}

function isWay({ children, additions }: Place): boolean {
  return children.size > 0 || additions.length > 0;
}
