import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConnectException, NO_HEADERS } from '../../shared/connect/index.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';

/** Those that need no registry. */
const offline = converters.filter(({ className }) => className.startsWith('org.apache.kafka.'));
const configs: readonly Record<string, string>[] = [{}, { 'schemas.enable': 'false' }];
const envelope = fc
  .record({ schema: fc.jsonValue(), payload: fc.jsonValue(), type: fc.constantFrom('struct', 'array', 'map', 'int8', 'bytes', 'string') })
  .map(({ schema, payload, type }) =>
    JSON.stringify({ schema: typeof schema === 'object' && schema !== null && !Array.isArray(schema) ? { type, ...schema } : schema, payload }),
  );
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each)),
  fc.json().map((each) => Buffer.from(each)),
  // Cut off somewhere.
  fc.tuple(fc.oneof(fc.json(), envelope), fc.nat()).map(([each, at]) => Buffer.from(each).subarray(0, at % (Buffer.byteLength(each) + 1))),
  envelope.map((each) => Buffer.from(each)),
  fc.constant(null),
);

const refusedProperly = (convert: () => unknown) => {
  try {
    convert();
  } catch (error) {
    // Anything else would be a bug of ours, and end the task whatever its tolerance.
    expect(isConnectException(error), String((error as Error).stack)).toBe(true);
    expect((error as Error).message).not.toBe('');
  }
};

describe('whatever bytes a record has', () => {
  test.each(offline.map((definition) => [definition.className, definition] as const))('%s reads them or refuses them as a record error', (_, definition) => {
    for (const config of configs) {
      const converter = definition.create(config, false);
      fc.assert(
        fc.property(bytes, (each) => refusedProperly(() => converter.toConnectData('t', each, NO_HEADERS))),
        { numRuns: 400 },
      );
    }
  });

  test.each(headerConverters.map((definition) => [definition.className, definition] as const))('%s reads a header or refuses it', (_, definition) => {
    const converter = definition.create({});
    fc.assert(
      fc.property(bytes, (each) => refusedProperly(() => converter.toConnectHeader('t', 'h', each))),
      { numRuns: 400 },
    );
  });
});
