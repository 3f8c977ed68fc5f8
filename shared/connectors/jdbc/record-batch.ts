import { type Schema, type SinkRecord, schemaEquals } from '../../connect/index.ts';
import type { BoundRows, TableWriter } from './dialects/dialect.ts';
import type { RecordValidator } from './record-validator.ts';
import type { TableId } from './table-id.ts';

/** Distinct schemas that are remembered; far more than a topic has. */
const schemasMax = 1_000;

/** A record that is not written, and why. */
export interface RejectedRecord {
  readonly record: SinkRecord;
  readonly error: Error;
}

/** What is known of writing records of one pair of schemas to one table. */
export interface TableTarget {
  readonly table: TableId;
  readonly keySchema: Schema | null;
  /** Null while there are only deletions. */
  readonly valueSchema: Schema | null;
  /** Undefined until the table was looked at; null when there is nothing to delete from. */
  writer: TableWriter | null | undefined;
}

/** Neighbouring records of one table and one pair of schemas. */
export interface Segment {
  target: TableTarget;
  readonly records: SinkRecord[];
  /** Made early, while the database is at work on the batch before. */
  bound: readonly BoundRows[] | null;
}

/** The records of one put. */
export interface RecordBatch {
  readonly segments: readonly Segment[];
  readonly rejected: RejectedRecord[];
  /** Where reading goes on after it, where the database keeps that as well. */
  offsets: ReadonlyMap<string, bigint> | null;
}

interface TableState {
  readonly id: TableId;
  /** By key schema and value schema. */
  readonly targets: Map<Schema | null, Map<Schema | null, TableTarget>>;
  current: Segment | null;
}

/** Divides records by table, schemas and `batch.size`, in their order. */
export class RecordBatcher {
  readonly #tableOf: (topic: string) => TableId;
  readonly #validate: RecordValidator;
  /** Key schemas matter only where the key is written. */
  readonly #usesKey: boolean;
  readonly #batchSize: number;
  readonly #tables = new Map<string, TableState>();
  #canonical = new WeakMap<Schema, Schema>();
  readonly #schemas: Schema[] = [];

  constructor(options: { tableOf: (topic: string) => TableId; validate: RecordValidator; usesKey: boolean; batchSize: number }) {
    this.#tableOf = options.tableOf;
    this.#validate = options.validate;
    this.#usesKey = options.usesKey;
    this.#batchSize = Math.max(1, options.batchSize);
  }

  /** Forgets writers: tables are not what they were. */
  forget(): void {
    this.#tables.clear();
  }

  /** Throws ConnectException when a topic gives no name of a table. */
  divide(records: readonly SinkRecord[]): RecordBatch {
    const segments: Segment[] = [];
    const rejected: RejectedRecord[] = [];
    let topic: string | null = null;
    let table: TableState | null = null;
    for (const each of this.#tables.values()) each.current = null;
    for (const record of records) {
      const error = this.#validate(record);
      if (error !== null) {
        rejected.push({ record, error });
        continue;
      }
      if (table === null || record.topic !== topic) {
        topic = record.topic;
        table = this.#table(topic);
      }
      const keySchema = this.#usesKey ? record.keySchema : null;
      const valueSchema = record.value === null || record.value === undefined ? null : record.valueSchema;
      let segment = table.current;
      if (segment === null || segment.records.length >= this.#batchSize || !this.#fits(table, segment, keySchema, valueSchema)) {
        segment = { target: this.#target(table, keySchema, valueSchema), records: [], bound: null };
        table.current = segment;
        segments.push(segment);
      }
      segment.records.push(record);
    }
    return { segments, rejected, offsets: null };
  }

  /** Deletions fit anywhere; a segment of nothing but deletions takes the schema of the first value. */
  #fits(table: TableState, segment: Segment, keySchema: Schema | null, valueSchema: Schema | null): boolean {
    const { target } = segment;
    if (keySchema !== target.keySchema && this.#same(keySchema) !== target.keySchema) return false;
    if (valueSchema === null || valueSchema === target.valueSchema || this.#same(valueSchema) === target.valueSchema) return true;
    if (target.valueSchema !== null) return false;
    segment.target = this.#target(table, keySchema, valueSchema);
    return true;
  }

  #table(topic: string): TableState {
    let table = this.#tables.get(topic);
    if (table === undefined) {
      table = { id: this.#tableOf(topic), targets: new Map(), current: null };
      this.#tables.set(topic, table);
    }
    return table;
  }

  #target(table: TableState, keySchema: Schema | null, valueSchema: Schema | null): TableTarget {
    const key = this.#same(keySchema);
    const value = this.#same(valueSchema);
    let byValue = table.targets.get(key);
    if (byValue === undefined) {
      byValue = new Map();
      table.targets.set(key, byValue);
    }
    let target = byValue.get(value);
    if (target === undefined) {
      target = { table: table.id, keySchema: key, valueSchema: value, writer: undefined };
      byValue.set(value, target);
    }
    return target;
  }

  /** One object for all schemas that are equal. */
  #same(schema: Schema | null): Schema | null {
    if (schema === null) return null;
    let same = this.#canonical.get(schema);
    if (same === undefined) {
      same = this.#schemas.find((each) => schemaEquals(each, schema));
      if (same === undefined) {
        if (this.#schemas.length >= schemasMax) {
          this.#schemas.length = 0;
          this.#canonical = new WeakMap();
          this.forget();
        }
        this.#schemas.push(schema);
        same = schema;
      }
      this.#canonical.set(schema, same);
    }
    return same;
  }
}
