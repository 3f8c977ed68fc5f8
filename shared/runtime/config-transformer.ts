import type { ConfigProvider } from '../connect/config-provider.ts';
import { ConfigException } from '../connect/errors.ts';
import type { Plugins } from '../connect/plugins.ts';
import { ResolvedSecrets } from './resolved-secrets.ts';

const reference = /\$\{([^}]*?):(([^}]*?):)?([^}]*?)\}/g;

/** The key of providers that know names, of what may be read. */
const allowedPrefixes = 'allowed.prefixes';

/** A config with its references resolved. */
export interface ResolvedConfig {
  readonly config: Readonly<Record<string, string>>;
  /** The shortest time that a provider allows its values to be used, in milliseconds; null: for ever. */
  readonly ttlMs: number | null;
}

/**
 * Resolves `${alias:path:key}` through the worker's `config.providers` (KIP-297). References to unknown aliases stay as
 * they are, as in Kafka. Resolved values never leave the run: `reverse` puts the references back into task configs
 * before they are stored.
 */
export class ConfigTransformer {
  readonly #providers = new Map<string, ConfigProvider>();
  readonly #secrets: ResolvedSecrets;

  /** `whose`: a connector may read less than its worker, `sluice.secrets.allowed.prefixes`. `secrets`: gets every value that is read. */
  constructor(
    worker: Readonly<Record<string, string>>,
    plugins: Pick<Plugins, 'configProvider'>,
    whose: 'worker' | 'connector',
    secrets: ResolvedSecrets = new ResolvedSecrets(),
  ) {
    this.#secrets = secrets;
    const allowed = whose === 'connector' ? worker['sluice.secrets.allowed.prefixes'] : undefined;
    for (const alias of (worker['config.providers'] ?? '').split(',').map((each) => each.trim())) {
      if (alias === '') continue;
      const className = worker[`config.providers.${alias}.class`];
      if (className === undefined) throw new ConfigException(`Missing required configuration "config.providers.${alias}.class" which has no default value.`);
      const prefix = `config.providers.${alias}.param.`;
      const params = Object.fromEntries(
        Object.entries(worker)
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), value]),
      );
      const definition = plugins.configProvider(className);
      if (allowed !== undefined && Object.hasOwn(definition.config.keys, allowedPrefixes)) params[allowedPrefixes] = allowed;
      this.#providers.set(alias, definition.create(params));
    }
  }

  /** Resolves every reference. Throws ConfigException naming key and reference when a provider does not have it. */
  async transform(config: Readonly<Record<string, string>>): Promise<ResolvedConfig> {
    const wanted = new Map<string, Map<string, Set<string>>>();
    for (const value of Object.values(config)) {
      for (const { alias, path, key } of this.#references(value)) {
        const paths = wanted.get(alias) ?? new Map<string, Set<string>>();
        wanted.set(alias, paths);
        paths.set(path, (paths.get(path) ?? new Set()).add(key));
      }
    }
    if (wanted.size === 0) return { config, ttlMs: null };
    let ttlMs: number | null = null;
    const found = new Map<string, string>();
    for (const [alias, paths] of wanted) {
      for (const [path, keys] of paths) {
        const answer = await (this.#providers.get(alias) as ConfigProvider).get(path, keys);
        if (answer.ttlMs !== undefined) ttlMs = Math.min(ttlMs ?? answer.ttlMs, answer.ttlMs);
        for (const [key, value] of Object.entries(answer.data)) {
          found.set(`${alias}\0${path}\0${key}`, value);
          this.#secrets.add(value, path === '' ? `\${${alias}:${key}}` : `\${${alias}:${path}:${key}}`);
        }
      }
    }
    const resolved = Object.entries(config).map(([name, value]) => [name, this.#replace(name, value, found)] as const);
    return { config: Object.fromEntries(resolved), ttlMs };
  }

  /** Puts references back where a value is what a reference resolved to, of the same key before others, or has one within it. */
  reverse(
    raw: Readonly<Record<string, string>>,
    resolved: Readonly<Record<string, string>>,
    taskConfig: Readonly<Record<string, string>>,
  ): Record<string, string> {
    const secrets = Object.entries(raw).filter(([name, value]) => value !== resolved[name]);
    if (secrets.length === 0) return { ...taskConfig };
    return Object.fromEntries(
      Object.entries(taskConfig).map(([name, value]) => {
        if (raw[name] !== undefined && resolved[name] === value) return [name, raw[name]];
        const source = secrets.find(([each]) => resolved[each] === value && value !== '');
        return [name, source ? source[1] : this.#secrets.restore(value)];
      }),
    );
  }

  async close(): Promise<void> {
    for (const provider of this.#providers.values()) await provider.close?.();
  }

  *#references(value: string): Iterable<{ alias: string; path: string; key: string }> {
    if (!value.includes('${')) return;
    for (const match of value.matchAll(reference)) {
      const alias = match[1] ?? '';
      if (this.#providers.has(alias)) yield { alias, path: match[3] ?? '', key: match[4] ?? '' };
    }
  }

  #replace(name: string, value: string, found: ReadonlyMap<string, string>): string {
    if (!value.includes('${')) return value;
    return value.replace(reference, (text: string, alias: string, _withColon: string, path: string | undefined, key: string) => {
      if (!this.#providers.has(alias)) return text;
      const resolved = found.get(`${alias}\0${path ?? ''}\0${key}`);
      if (resolved === undefined) throw new ConfigException(`Configuration "${name}": the config provider "${alias}" has no value for ${text}`);
      return resolved;
    });
  }
}

/** What a connection needs is looked up when it is made, and again when a broker refuses it. */
const ofConnections = /(?:^|\.)(?:ssl|sasl)\./;

/** The worker's properties with their references resolved, but for those of connections. Rejects as `transform` does. */
export async function resolveWorker(
  worker: Readonly<Record<string, string>>,
  plugins: Pick<Plugins, 'configProvider'>,
  secrets: ResolvedSecrets,
): Promise<ResolvedConfig> {
  const entries = Object.entries(worker);
  if (!entries.some(([name, value]) => value.includes('${') && !ofConnections.test(name))) return { config: worker, ttlMs: null };
  const transformer = new ConfigTransformer(worker, plugins, 'worker', secrets);
  try {
    const { config, ttlMs } = await transformer.transform(Object.fromEntries(entries.filter(([name]) => !ofConnections.test(name))));
    return { config: { ...worker, ...config }, ttlMs };
  } finally {
    await transformer.close();
  }
}

/**
 * Of the keys of a connection, those that are the worker's, with their references resolved. What a connector overrides is resolved
 * before, with the connector's rights: a reference that comes out of its secrets stays a text.
 */
export async function resolveConnection(
  worker: Readonly<Record<string, string>>,
  plugins: Pick<Plugins, 'configProvider'>,
  connection: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const known = new Set(Object.values(worker));
  const transformer = new ConfigTransformer(worker, plugins, 'worker');
  try {
    const { config } = await transformer.transform(Object.fromEntries(Object.entries(connection).filter(([, value]) => known.has(value))));
    return { ...connection, ...config };
  } finally {
    await transformer.close();
  }
}
