import { describe, expect, test } from 'vitest';
import type { ConfigProviderDefinition } from '../../shared/connect/config-provider.ts';
import { configDef } from '../../shared/connect/index.ts';
import { ConfigTransformer, resolveConnection } from '../../shared/runtime/config-transformer.ts';

const provider: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'Test',
  version: '1',
  overview: '',
  config: configDef({}),
  create: (params) => ({
    get: async (path, keys) => ({
      data: Object.fromEntries([...keys].filter((key) => key !== 'missing').map((key) => [key, `${params.prefix}${path}/${key}`])),
      ttlMs: 500,
    }),
  }),
};
const worker = { 'config.providers': 'vault', 'config.providers.vault.class': 'Test', 'config.providers.vault.param.prefix': 'secret:' };
const transformer = () => new ConfigTransformer(worker, { configProvider: () => provider }, 'connector');

describe('ConfigTransformer', () => {
  test('resolves references anywhere in a value, with and without path', async () => {
    const { config, ttlMs } = await transformer().transform({ url: 'db://u:${vault:app:password}@h', user: '${vault:user}', plain: 'x' });
    expect(config).toEqual({ url: 'db://u:secret:app/password@h', user: 'secret:/user', plain: 'x' });
    expect(ttlMs).toBe(500);
  });

  test('leaves references to unknown providers as they are', async () => {
    const raw = { format: 'kafka.${topic}', other: '${nobody:a:b}' };
    expect((await transformer().transform(raw)).config).toBe(raw);
  });

  test('a key that the provider does not have is an error that names config key and reference', async () => {
    await expect(transformer().transform({ password: '${vault:app:missing}' })).rejects.toThrow(/"password".*\$\{vault:app:missing\}/);
  });

  test('puts references back into task configs, also under another key', async () => {
    const raw = { password: '${vault:app:password}', name: 'c' };
    const { config } = await transformer().transform(raw);
    expect(transformer().reverse(raw, config, { password: config.password as string, copied: config.password as string, name: 'c' })).toEqual({
      password: raw.password,
      copied: raw.password,
      name: 'c',
    });
  });

  test('puts references back into what a connector made of a value', async () => {
    const raw = { password: '${vault:app:password}', name: 'c' };
    const used = transformer();
    const { config } = await used.transform(raw);
    const url = `db://u:${config.password}@host`;
    const stored = used.reverse(raw, config, { url });
    expect(stored).toEqual({ url: 'db://u:${vault:app:password}@host' });
    expect((await used.transform(stored)).config).toEqual({ url });
  });

  test('of a connection only the worker’s own keys are resolved with the worker’s rights', async () => {
    const plugins = { configProvider: () => provider };
    const own = { ...worker, 'sasl.jaas.config': 'password="${vault:kafka:login}"' };
    const connection = { 'sasl.jaas.config': 'password="${vault:kafka:login}"', 'ssl.keystore.password': '${vault:kafka:other}', 'security.protocol': 'SSL' };
    expect(await resolveConnection(own, plugins, connection)).toEqual({
      'sasl.jaas.config': 'password="secret:kafka/login"',
      // What a connector's secret holds is a text, not another reference.
      'ssl.keystore.password': '${vault:kafka:other}',
      'security.protocol': 'SSL',
    });
  });
});
