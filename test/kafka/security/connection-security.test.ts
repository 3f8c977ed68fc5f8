import { describe, expect, it } from 'vitest';
import { ConnectionSecurity, securityOf } from '../../../shared/kafka/security/connection-security.ts';

const servers = ['one:9092'];
const login = (password: string) => ({ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': `Module required username="alice" password="${password}";` });

describe('security.protocol', () => {
  it('says whether there are TLS and a login, and what belongs to the other is left alone', () => {
    const config = { ...login('secret'), 'ssl.truststore.type': 'nonsense' };
    expect(securityOf(config, servers)).toEqual({ ssl: null, sasl: null });
    expect(securityOf({ ...config, 'security.protocol': 'sasl_plaintext' }, servers)).toMatchObject({ ssl: null, sasl: { password: 'secret' } });
    expect(securityOf({ 'security.protocol': 'SSL' }, servers)).toMatchObject({ ssl: { secureContext: expect.anything() }, sasl: null });
    const both = securityOf({ ...config, 'security.protocol': 'SASL_SSL' }, servers);
    expect(both.ssl).not.toBeNull();
    expect(both.sasl).not.toBeNull();
  });

  it.each([
    [{ 'security.protocol': 'TLS' }, 'Invalid value TLS for configuration security.protocol'],
    [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' }, 'sasl.jaas.config'],
    [{ 'security.protocol': 'SASL_PLAINTEXT' }, 'Invalid value GSSAPI for configuration sasl.mechanism'],
    [{ 'security.protocol': 'SSL', 'ssl.truststore.location': '/a.jks' }, 'Invalid value JKS for configuration ssl.truststore.type'],
  ])('is refused with its keys at once: %j', (config, message) => {
    expect(() => new ConnectionSecurity(config as Record<string, string>, servers, undefined)).toThrow(message);
  });
});

describe('secrets of config providers', () => {
  const config = { 'security.protocol': 'SASL_PLAINTEXT', ...login('${vault:kafka:password}'), 'value.converter.password': '${vault:other:password}' };
  const passwordOf = async (security: ConnectionSecurity) => ((await security.get()).sasl as { password: string }).password;

  function vault() {
    const state = { password: 'first', asked: 0, out: false, keys: [] as string[] };
    const resolve = async (given: Readonly<Record<string, string>>) => {
      state.asked++;
      state.keys = Object.keys(given);
      if (state.out) throw new Error('the vault is closed');
      return { ...given, 'sasl.jaas.config': (given['sasl.jaas.config'] as string).replace('${vault:kafka:password}', state.password) };
    };
    return { state, security: new ConnectionSecurity(config, servers, resolve) };
  }

  it('are looked up once, when they are needed, and only those of the connection', async () => {
    const { state, security } = vault();
    expect(state.asked).toBe(0);
    expect(await Promise.all([passwordOf(security), passwordOf(security)])).toEqual(['first', 'first']);
    expect(state.asked).toBe(1);
    expect(state.keys).toEqual(['security.protocol', 'sasl.mechanism', 'sasl.jaas.config']);
  });

  it('are looked up again after a failure', async () => {
    const { state, security } = vault();
    state.out = true;
    await expect(security.get()).rejects.toThrow('the vault is closed');
    state.out = false;
    expect(await passwordOf(security)).toBe('first');
  });

  it('are looked up again when a broker refuses what was known before, and not when it was new', async () => {
    const { state, security } = vault();
    await security.get();
    state.password = 'second';
    expect(await security.refused(performance.now() + 1)).toBe(true);
    const since = performance.now();
    expect(await passwordOf(security)).toBe('second');
    expect(await security.refused(since)).toBe(false);
  });

  it('that are in the config itself are what they are', async () => {
    const security = new ConnectionSecurity({ 'security.protocol': 'SASL_PLAINTEXT', ...login('fixed') }, servers, undefined);
    expect(await passwordOf(security)).toBe('fixed');
    expect(await security.refused(performance.now() + 1)).toBe(false);
  });
});
