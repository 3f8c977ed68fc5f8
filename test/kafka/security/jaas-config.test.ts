import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJaasConfig } from '../../../shared/kafka/security/jaas-config.ts';

describe('sasl.jaas.config', () => {
  it('is a login module with options', () => {
    const value = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="alice-secret";';
    expect(parseJaasConfig(value)).toEqual({
      name: 'org.apache.kafka.common.security.plain.PlainLoginModule',
      options: { username: 'alice', password: 'alice-secret' },
    });
  });

  it('may have lines, comments, either quotes, escapes, spaces around signs, and words without quotes', () => {
    const value = `
      Module REQUIRED // the control flag is in any case
        username = 'al"ice'  /* who */
        password="a\\"b\\\\c;=\\t\\101"
        awsDebugCreds=true;
    `;
    expect(parseJaasConfig(value).options).toEqual({ username: 'al"ice', password: 'a"b\\c;=\tA', awsDebugCreds: 'true' });
  });

  it('gives back any password that was quoted for it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (password) => {
        fc.pre(!/[\r\n]/.test(password));
        const quoted = password.replace(/["\\]/g, '\\$&');
        expect(parseJaasConfig(`Module required password="${quoted}" username="a";`).options).toEqual({ password, username: 'a' });
      }),
    );
  });

  it.each([
    ['', 'does not contain any login modules'],
    ['Module', 'Login module control flag not specified in JAAS config'],
    ['Module username="hunter2";', 'Login module control flag is not available in the JAAS config'],
    ['Module required username="alice" password=;', 'Value not specified for a key in JAAS config'],
    ['Module required password=hunter2 hunter2;', 'Value not specified for a key in JAAS config'],
    ['Module required password="hunter2"', 'JAAS config entry not terminated by semi-colon'],
    ['Module required password="hunter2;', 'A quotation mark is not closed'],
    ['Module required password="hunter2"; Module required;', 'should be 1 module'],
  ])('is refused without being quoted: %s', (value, message) => {
    const refused = () => parseJaasConfig(value);
    expect(refused).toThrow(message);
    expect(refused).toThrow('Invalid value [hidden] for configuration sasl.jaas.config');
    expect(refused).not.toThrow('hunter2');
  });
});
