import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unrolledCopy, unrolledStruct, unrolledText, unrolledVisit } from '../../shared/connect/data/unrolled.ts';

/** Names that would be something else in the text of a program, were they not quoted; as many as engines take, and more. */
const names = fc.oneof(
  fc.uniqueArray(
    fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '"', "'", '`', '\\', '\u2028', '${x}', '*/', '1', 'p0', 'input')),
    {
      maxLength: 20,
    },
  ),
  fc.constant(Array.from({ length: 300 }, (_, at) => `f${at}`)),
);
/** The first records take a loop, later ones the function. */
const records = 40;

describe('unrolled loops over fields', () => {
  test('make what the loops make, whatever the fields are called', () => {
    fc.assert(
      fc.property(names, (all) => {
        const source: Record<string, unknown> = Object.create(null);
        for (const [at, name] of all.entries()) source[name] = at;
        const struct = unrolledStruct<number>(
          all,
          all.map((name) => (input: number) => `${name}=${input}`),
        );
        const copy = unrolledCopy(all.map((name) => ({ from: name, to: `${name}2`, part: (value) => [value] })));
        const seen: unknown[] = [];
        const visit = unrolledVisit(
          all,
          all.map((name) => (context: unknown[], value: unknown) => void context.push([name, value])),
          seen,
        );
        const text = unrolledText(all.map((name) => ({ before: `<${name}>`, name, part: String })));
        for (let record = 0; record < records; record++) {
          const made = struct(record);
          expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
          expect(Object.entries(made).sort()).toEqual(all.map((name) => [name, `${name}=${record}`]).sort());
          expect(Object.entries(copy(source)).sort()).toEqual(all.map((name, at) => [`${name}2`, [at]]).sort());
          seen.length = 0;
          visit(source);
          expect(seen).toEqual(all.map((name, at) => [name, at]));
          expect(text(source)).toBe(all.map((name, at) => `<${name}>${at}`).join(''));
        }
      }),
      { numRuns: 50 },
    );
  });

  test('errors of a field come out as they are', () => {
    const copy = unrolledCopy([
      {
        from: 'a',
        to: 'a',
        part(value) {
          if (value === 1) throw new TypeError('one');
          return value;
        },
      },
    ]);
    for (let record = 0; record < records; record++) {
      expect(() => copy({ a: 1 })).toThrow(new TypeError('one'));
      expect(copy({ a: 2 })).toEqual({ a: 2 });
    }
  });
});
