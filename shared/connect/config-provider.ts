import type { PluginInfo } from './transformation.ts';

/** Values that `${alias:path:key}` stands for. `ttlMs`: how long they may be used before they are read again. */
export interface ConfigData {
  readonly data: Readonly<Record<string, string>>;
  readonly ttlMs?: number;
}

/** Resolves references in configs, inside a run only. */
export interface ConfigProvider {
  /** The values of these keys under a path; a key that is missing is left out. */
  get(path: string, keys: ReadonlySet<string>): Promise<ConfigData>;
  close?(): Promise<void>;
}

export interface ConfigProviderDefinition extends PluginInfo {
  readonly kind: 'config_provider';
  create(config: Readonly<Record<string, string>>): ConfigProvider;
}
