import type { Field, Schema } from '../../connect/index.ts';
import type { StructValue } from '../requirements.ts';
import { fieldGet, NullPointerException, optionalLike } from './envelope.ts';

/** Fields of the event itself, and of its `transaction`; all others are of its `source`. */
const ofEvent = new Set(['op', 'ts_ms', 'ts_us', 'ts_ns']);
const ofTransaction = new Set(['id', 'data_collection_order', 'total_order']);

/** A field of a change event that is to be added somewhere: `op`, `source.ts_ms`, `table:TABLE`. */
export class FieldReference {
  readonly field: string;
  readonly newName: string;
  readonly #struct: string | null;

  /** Throws RangeError where there is more than one new name. */
  constructor(prefix: string, text: string) {
    const [path = '', newName, ...rest] = text.replace(/:+$/, '').split(':');
    const steps = path.replace(/\.+$/, '').split('.');
    this.field = (steps.length === 1 ? steps[0] : steps[1]) as string;
    this.#struct = steps.length === 1 ? structFor(this.field) : (steps[0] as string);
    if (rest.length > 0) throw new RangeError(`Unexpected field name: ${text}`);
    this.newName = prefix + (newName ?? (steps.length === 1 ? this.field : `${this.#struct}_${this.field}`));
  }

  /** The references of a list in a config; none for an empty text. */
  static list(prefix: string, text: string): FieldReference[] {
    const parts = text === '' ? [] : text.replace(/,+$/, '').split(',');
    return parts.map((each) => new FieldReference(prefix, each.trim()));
  }

  /** The schema of the field as it is added, or null when the event has no such field. Throws NullPointerException without its struct. */
  schemaIn(event: Schema): Schema | null {
    const found = this.#fieldIn(event);
    return found === undefined ? null : optionalLike(found.schema);
  }

  /** The value; null where the struct that it is in is null. */
  valueIn(event: Schema, struct: StructValue): unknown {
    if (this.#struct === null) return struct[this.field] ?? null;
    const parent = event.field(this.#struct);
    if (parent === undefined) return fieldGet(event, struct, this.#struct);
    const within = (struct[this.#struct] ?? null) as StructValue | null;
    if (within === null) return null;
    return (parent.schema.field(this.field) === undefined ? struct : within)[this.field] ?? null;
  }

  #fieldIn(event: Schema): Field | undefined {
    if (this.#struct === null) return event.field(this.field);
    const parent = event.field(this.#struct);
    if (parent === undefined) throw new NullPointerException(`The change event has no field ${this.#struct}, which ${this.field} is looked for in`);
    return parent.schema.field(this.field) ?? event.field(this.field);
  }
}

function structFor(field: string): string | null {
  if (ofEvent.has(field)) return null;
  if (ofTransaction.has(field)) return 'transaction';
  return field === 'updateDescription' ? field : 'source';
}
