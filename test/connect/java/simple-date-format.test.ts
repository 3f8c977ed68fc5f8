import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SimpleDateFormat } from '../../../shared/connect/java/simple-date-format.ts';

const moment = Date.UTC(2023, 10, 14, 22, 13, 20, 123);
const formatted = (pattern: string, millis = moment) => new SimpleDateFormat(pattern).format(millis);
const parsed = (pattern: string, text: string) => new Date(new SimpleDateFormat(pattern, Date.UTC(2026, 0, 1)).parse(text)).toISOString();

describe('SimpleDateFormat', () => {
  test('formats every letter', () => {
    expect(formatted("yyyy-MM-dd'T'HH:mm:ss.SSSX")).toBe('2023-11-14T22:13:20.123Z');
    expect(formatted('G y yy M MMM MMMM d E EEEE u D F w W')).toBe('AD 2023 23 11 Nov November 14 Tue Tuesday 2 318 2 46 3');
    expect(formatted("k K h a z zzzz Z 'o''clock' ''")).toBe("22 10 10 PM UTC Coordinated Universal Time +0000 o'clock '");
  });

  test('parses what it formats', () => {
    const format = new SimpleDateFormat('yyyy-MM-dd HH:mm:ss.SSS');
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-03'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => format.parse(format.format(date.getTime())) === date.getTime(),
      ),
    );
  });

  test('parses digits without anything between them, and ignores what follows', () => {
    expect(parsed('yyyyMMddHHmm', '202402291530 and more')).toBe('2024-02-29T15:30:00.000Z');
  });

  test('is lenient with values beyond their range', () => {
    expect(parsed('yyyy-MM-dd', '2024-02-30')).toBe('2024-03-01T00:00:00.000Z');
    expect(parsed('HH:mm', '25:61')).toBe('1970-01-02T02:01:00.000Z');
  });

  test('understands zones, names of months, halves of days and weeks', () => {
    expect(parsed("yyyy-MM-dd'T'HH:mmX", '2024-01-01T00:00+09')).toBe('2023-12-31T15:00:00.000Z');
    expect(parsed('EEE, d MMM yyyy hh:mm a Z', 'Tue, 14 november 2023 12:05 AM -0130')).toBe('2023-11-14T01:35:00.000Z');
    expect(parsed('yyyy D', '2024 60')).toBe('2024-02-29T00:00:00.000Z');
    expect(parsed('YYYY ww u', '2024 01 1')).toBe('2024-01-01T00:00:00.000Z');
  });

  test('puts two-digit years into the hundred that began 80 years ago', () => {
    expect(parsed('dd/MM/yy', '01/02/45').slice(0, 4)).toBe('2045');
    expect(parsed('dd/MM/yy', '01/02/46').slice(0, 4)).toBe('1946');
  });

  test('has the Julian calendar before 1582', () => {
    expect(formatted('yyyy-MM-dd', Date.UTC(1582, 9, 14))).toBe('1582-10-04');
    expect(formatted('yyyy-MM-dd', Date.UTC(1582, 9, 15))).toBe('1582-10-15');
  });

  test('refuses texts and patterns that are wrong', () => {
    expect(() => parsed('yyyy-MM-dd', '2024/01/01')).toThrow('Unparseable date: "2024/01/01"');
    expect(() => new SimpleDateFormat('bbb')).toThrow("Illegal pattern character 'b'");
    expect(() => new SimpleDateFormat("yyyy'x")).toThrow('Unterminated quote');
  });
});
