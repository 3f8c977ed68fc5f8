import type { ConfigDef, RawConfig } from '../connect/config/config-def.ts';
import { type ClientType, clientConfig } from '../connect/config/framework/client-config.ts';
import { parseType } from '../connect/config/parse-type.ts';
import type { Plugins } from '../connect/plugins.ts';
import type { ConfigInfo, ConfigInfos } from './entities.ts';

export const secretsRequired = 'sluice.secrets.required';

/** Whether worker or connector ask for it. Throws ConfigException where the worker's value is no boolean; validation tells of the connector's. */
export function secretsAreRequired(worker: Readonly<Record<string, string>>, config: RawConfig): boolean {
  if (parseType(secretsRequired, worker[secretsRequired] ?? 'false', 'BOOLEAN') === true) return true;
  return config[secretsRequired]?.trim().toLowerCase() === 'true';
}

/** What is of type PASSWORD among the keys that a config may have: `definition` for the framework's and the connector's own. */
function passwordKeys(
  config: RawConfig,
  { definition, plugins, worker }: { definition: ConfigDef; plugins: Plugins; worker: Readonly<Record<string, string>> },
): Set<string> {
  const names = new Set<string>();
  const add = (prefix: string, { keys }: ConfigDef) => {
    for (const [name, { type }] of Object.entries(keys)) if (type === 'PASSWORD') names.add(prefix + name);
  };
  add('', definition);
  // Also of the worker's converter: such keys of a connector are not read, but stored and shown.
  for (const side of ['key', 'value', 'header'] as const) {
    const named = config[`${side}.converter`] ?? worker[`${side}.converter`];
    const converter = named === undefined ? undefined : plugins.find(side === 'header' ? 'header_converter' : 'converter', named.trim());
    if (converter !== undefined) add(`${side}.converter.`, converter.config);
  }
  for (const client of ['producer', 'consumer', 'admin'] satisfies ClientType[]) add(`${client}.override.`, clientConfig(client));
  return names;
}

/** A validation's answer with an error for each PASSWORD key whose value is written out instead of being a reference. No value is ever told. */
export function refuseClearSecrets(
  infos: ConfigInfos,
  config: RawConfig,
  options: {
    readonly definition: ConfigDef;
    readonly plugins: Plugins;
    readonly worker: Readonly<Record<string, string>>;
    /** Aliases of the worker's config providers. */
    readonly providers: ReadonlySet<string>;
    isReference(text: string | null): boolean;
  },
): ConfigInfos {
  const passwords = passwordKeys(config, options);
  const clear = Object.keys(config).filter((name) => passwords.has(name) && (config[name] ?? '').trim() !== '' && !options.isReference(config[name] ?? null));
  if (clear.length === 0) return infos;
  const rest = new Set(clear);
  const configs = infos.configs.map((info): ConfigInfo => {
    const { value } = info;
    if (value === null || !rest.delete(value.name)) return info;
    return { ...info, value: { ...value, errors: [...value.errors, refusal(value.name, options.providers)] } };
  });
  const stray = [...rest].map((name): ConfigInfo => {
    const value = { name, value: '[hidden]', recommended_values: [], errors: [refusal(name, options.providers)], visible: true };
    return { definition: null, value };
  });
  return { ...infos, error_count: infos.error_count + clear.length, configs: [...configs, ...stray] };
}

function refusal(name: string, providers: ReadonlySet<string>): string {
  const how =
    providers.size === 0
      ? 'a config provider, of which the worker has none yet (config.providers)'
      : `a config provider, such as ${[...providers].map((alias) => `\${${alias}:…}`).join(' or ')}`;
  return `Invalid value [hidden] for configuration ${name}: A secret must not be written out here (${secretsRequired}=true); name it by a reference to ${how}`;
}
