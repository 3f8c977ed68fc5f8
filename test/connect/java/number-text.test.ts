import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { doubleToString, floatToString, parseDecimal, parseWhole } from '../../../shared/connect/java/number-text.ts';

describe("Java's texts of numbers", () => {
  test('have a point, and an exponent where they are large or small', () => {
    expect([1, -0, 0.001, 1e7, 1.5e-5, 4.9e-324, 1e23].map(doubleToString)).toEqual([
      '1.0',
      '-0.0',
      '0.001',
      '1.0E7',
      '1.5E-5',
      '4.9E-324',
      '9.999999999999999E22',
    ]);
    expect([0.1, 16777216, 3.4028235e38, 1.4e-45, 1.17549435e-38].map((value) => floatToString(Math.fround(value)))).toEqual([
      '0.1',
      '1.6777216E7',
      '3.4028235E38',
      '1.4E-45',
      '1.17549435E-38',
    ]);
  });

  test('have the digits of Java 17, which are not always the shortest', () => {
    const doubles = [
      '8.809999999999999E21',
      '2.8793048285076457E163',
      '4.5671926166590716E46',
      '-3.2205743847985667E-232',
      '2.2250738585072014E-308',
      '9.007199254740992E15',
    ];
    expect(doubles.map((text) => doubleToString(Number(text)))).toEqual(doubles);
    const floats = ['6.0600001E10', '-2.58276176E8', '2.79999991E12', '9.3499996E9', '-7.7003523E-28', '1.36256192E8'];
    expect(floats.map((text) => floatToString(Math.fround(Number(text))))).toEqual(floats);
  });

  test('are read back to the same number', () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (value) => Object.is(Number(doubleToString(value)), value)));
    fc.assert(fc.property(fc.float({ noNaN: true }), (value) => Object.is(Math.fround(Number(floatToString(value))), value)));
  });

  test('are read with the bounds that Java has', () => {
    expect([parseWhole('127', 8), parseWhole('128', 8), parseWhole('+5', 8), parseWhole(' 5', 8), parseWhole('٣', 8)]).toEqual([
      127n,
      undefined,
      5n,
      undefined,
      3n,
    ]);
    expect([parseDecimal(' 1e3f '), parseDecimal('.5'), parseDecimal('NaN'), parseDecimal('x')]).toEqual([1000, 0.5, Number.NaN, undefined]);
  });
});
