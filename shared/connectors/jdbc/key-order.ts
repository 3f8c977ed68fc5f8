import type { Decimal, SinkRecord } from '../../connect/index.ts';
import { logicalTypeOf } from './dialects/dialect.ts';
import type { SinkRecordField } from './fields-metadata.ts';

type Compare = (one: unknown, other: unknown) => number;

/**
 * The last record of each primary key, ordered by key: a statement may touch a row only once, and statements that take
 * their rows in one order do not lock each other out. Records that come so already, as those of a growing key do, are
 * returned as they are.
 */
export class KeyOrder {
  readonly #fields: readonly SinkRecordField[];
  readonly #compares: readonly Compare[];

  constructor(keyFields: readonly SinkRecordField[]) {
    this.#fields = keyFields;
    this.#compares = keyFields.map(compareOf);
  }

  lastOfEach(records: readonly SinkRecord[]): readonly SinkRecord[] {
    if (this.#ascending(records)) return records;
    const sorted = [...records].sort((one, other) => this.#compare(one, other));
    return sorted.filter((record, i) => {
      const next = sorted[i + 1];
      return next === undefined || this.#compare(record, next) !== 0;
    });
  }

  #ascending(records: readonly SinkRecord[]): boolean {
    for (let i = 1; i < records.length; i++) if (this.#compare(records[i - 1] as SinkRecord, records[i] as SinkRecord) >= 0) return false;
    return true;
  }

  #compare(one: SinkRecord, other: SinkRecord): number {
    for (let i = 0; i < this.#fields.length; i++) {
      const { read } = this.#fields[i] as SinkRecordField;
      const order = (this.#compares[i] as Compare)(read(one) ?? null, read(other) ?? null);
      if (order !== 0) return order;
    }
    return 0;
  }
}

function compareOf({ schema }: SinkRecordField): Compare {
  const logical = logicalTypeOf(schema);
  if (logical === 'DECIMAL') return nullsFirst((one, other) => compareDecimals(one as Decimal, other as Decimal));
  if (logical !== null) return nullsFirst((one, other) => (one as Date).getTime() - (other as Date).getTime());
  switch (schema.type) {
    case 'BYTES':
      return nullsFirst((one, other) => Buffer.compare(one as Buffer, other as Buffer));
    case 'FLOAT32':
    case 'FLOAT64':
      // Databases take NaN for the greatest number, equal to itself.
      return nullsFirst((one, other) =>
        Number.isNaN(one) || Number.isNaN(other) ? Number(Number.isNaN(one)) - Number(Number.isNaN(other)) : natural(one, other),
      );
    case 'ARRAY':
      return nullsFirst((one, other) => natural(String(one), String(other)));
    default:
      return nullsFirst(natural);
  }
}

function natural(one: unknown, other: unknown): number {
  return (one as number) < (other as number) ? -1 : (one as number) > (other as number) ? 1 : 0;
}

function nullsFirst(compare: Compare): Compare {
  return (one, other) => (one === null || other === null ? Number(one !== null) - Number(other !== null) : compare(one, other));
}

/** By value: 1.0 and 1.00 are one key. */
function compareDecimals(one: Decimal, other: Decimal): number {
  const scale = Math.max(one.scale, other.scale);
  return natural(one.unscaled * 10n ** BigInt(scale - one.scale), other.unscaled * 10n ** BigInt(scale - other.scale));
}
