import { expect, test } from 'vitest';
import { connectors } from '../../shared/connectors/index.ts';
import { converters, headerConverters } from '../../shared/converters/index.ts';

const definitions = [...connectors, ...converters, ...headerConverters];
/** Values that one key or another cannot take. */
const wrong = ['', 'no such thing', '-99', ',,', '{', '['];

test('Every error of a plugin that ships with Sluice names its key, also among those of others in a 400', () => {
  let errors = 0;
  for (const { className, config } of definitions) {
    for (const given of [{}, ...Object.keys(config.keys).flatMap((key) => wrong.map((value) => ({ [key]: value })))]) {
      for (const { name, errorMessages } of config.validateAll(given)) {
        for (const message of errorMessages) expect(message, `${className} ${name} of ${JSON.stringify(given)}`).toContain(name);
        errors += errorMessages.length;
      }
    }
  }
  expect(errors).toBeGreaterThan(500);
});
