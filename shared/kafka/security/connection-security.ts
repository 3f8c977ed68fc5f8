import type { ConnectionOptions } from 'node:tls';
import { oneOf } from '../config-values.ts';
import type { KafkaClientConfig } from '../ports.ts';
import { type SaslSettings, saslSettings } from './sasl-options.ts';
import { sslOptions } from './ssl-options.ts';

/** How a connection is encrypted and logged in; null: not at all. */
export interface Security {
  readonly ssl: ConnectionOptions | null;
  readonly sasl: SaslSettings | null;
}

/** Fills in what a config says by references to config providers. */
export type ResolveConfig = (config: KafkaClientConfig) => Promise<KafkaClientConfig>;

/** Security by Kafka's keys. Throws ConfigException that names the key. */
export function securityOf(config: KafkaClientConfig, servers: readonly string[]): Security {
  const protocol = oneOf(config, 'security.protocol', ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], 'PLAINTEXT', true);
  return {
    ssl: protocol.endsWith('SSL') ? sslOptions(config) : null,
    sasl: protocol.startsWith('SASL') ? saslSettings(config, servers) : null,
  };
}

/** True for keys that decide about security. */
export function isSecurityKey(key: string): boolean {
  return key.startsWith('sasl.') || key.startsWith('ssl.') || key === 'security.protocol';
}

/**
 * The security of all connections with the same keys: secrets are looked up once, when the first connection needs
 * them, and a token is shared. When a broker refuses it, it is forgotten: a secret that was changed, or a token that was
 * taken back, is asked for again before the refusal counts.
 */
export class ConnectionSecurity {
  readonly #config: KafkaClientConfig;
  readonly #servers: readonly string[];
  readonly #resolve: ResolveConfig | null;
  #current: { readonly at: number; readonly security: Promise<Security> } | undefined;

  /** Throws ConfigException for a config that is wrong, unless that has to be resolved first. */
  constructor(config: KafkaClientConfig, servers: readonly string[], resolve: ResolveConfig | undefined) {
    this.#config = Object.fromEntries(Object.entries(config).filter(([key]) => isSecurityKey(key)));
    this.#servers = servers;
    this.#resolve = resolve && Object.values(this.#config).some((value) => value.includes('${')) ? resolve : null;
    if (!this.#resolve) this.#current = { at: performance.now(), security: Promise.resolve(securityOf(this.#config, servers)) };
  }

  /** Rejects with ConfigException, and as the config provider does. */
  get(): Promise<Security> {
    if (!this.#current) {
      const security = this.#make();
      this.#current = { at: performance.now(), security };
      // What could not be looked up may be there the next time.
      security.catch(() => {
        if (this.#current?.security === security) this.#current = undefined;
      });
    }
    return this.#current.security;
  }

  /** A broker refused what was there at `since`, a time of `performance.now()`. True when something else may be there now. */
  async refused(since: number): Promise<boolean> {
    const current = this.#current;
    const sasl = (await current?.security)?.sasl;
    const changes = this.#resolve !== null || sasl?.mechanism === 'OAUTHBEARER';
    if (!changes || (current && current === this.#current && current.at >= since)) return false;
    if (this.#current === current) this.#current = undefined;
    return true;
  }

  async #make(): Promise<Security> {
    return securityOf(this.#resolve ? await this.#resolve(this.#config) : this.#config, this.#servers);
  }
}
