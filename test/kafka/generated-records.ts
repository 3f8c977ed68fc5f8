import fc from 'fast-check';
import type { EncodableRecord } from '../../shared/kafka/record-batch-encoder.ts';

/** A record with its time, milliseconds. */
export interface TestRecord extends EncodableRecord {
  readonly timestamp: number;
}

/** The latest time that a Date can have. */
export const farFuture = 8_640_000_000_000_000;

const bytes = fc.option(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  { nil: null },
);
const headerKey = fc.oneof(fc.constantFrom('1', '0', 'a', 'b', ''), fc.string({ unit: 'grapheme', maxLength: 20 }));

/** Null and empty keys and values, headers that repeat a name and have none, times from the beginning to the far future. */
export const anyRecord: fc.Arbitrary<TestRecord> = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: headerKey, value: bytes }), { maxLength: 6 }),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: farFuture }), fc.constantFrom(0, farFuture)),
});

/** Mostly a few records, sometimes one, sometimes some thousands. */
export const anyRecords: fc.Arbitrary<readonly TestRecord[]> = fc.oneof(
  { weight: 6, arbitrary: fc.array(anyRecord, { minLength: 1, maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(anyRecord, { minLength: 1, maxLength: 10 }), fc.integer({ min: 50, max: 500 }))
      .map(([records, times]) => Array.from({ length: times }, () => records).flat()),
  },
);

/** What of a record is to come out as it went in. */
export function contentOf({ key, value, headers, timestamp }: TestRecord): TestRecord {
  return { key, value, headers, timestamp };
}
