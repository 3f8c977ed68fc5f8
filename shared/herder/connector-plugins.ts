import type { RawConfig } from '../connect/config/config-def.ts';
import { type ConfigKeyInfo, configKeyInfos } from '../connect/config/config-key-info.ts';
import { isConnectException, NotFoundException } from '../connect/errors.ts';
import { versionRequirement } from '../connect/version-range.ts';
import { type Preview, preview } from '../runtime/preview/preview.ts';
import type { PreviewRecord } from '../runtime/preview/preview-record.ts';
import type { ConverterPorts } from '../runtime/task-factory.ts';
import { BadRequestException } from './connect-rest-exception.ts';
import type { ConnectorValidator } from './connector-validator.ts';
import type { ConfigInfos, PluginListing } from './entities.ts';

/** What `/connector-plugins` means: which plugins there are, what they take, and what would become of a config. */
export class ConnectorPlugins {
  readonly #ports: ConverterPorts;
  readonly #validator: ConnectorValidator;

  constructor(ports: ConverterPorts, validator: ConnectorValidator) {
    this.#ports = ports;
    this.#validator = validator;
  }

  /** Plugins in Kafka Connect's order; connectors only, or all kinds. */
  list(connectorsOnly: boolean): PluginListing[] {
    return this.#ports.plugins
      .list()
      .filter(({ kind }) => !connectorsOnly || kind === 'sink' || kind === 'source')
      .map(({ className, kind, version }) => ({ class: className, type: kind, version }));
  }

  /** The keys of a plugin: its own, then those of the framework that it does not define itself. */
  config(classOrAlias: string, version: string | null): ConfigKeyInfo[] {
    const plugin = this.#ports.plugins.findAny(classOrAlias);
    if (plugin === undefined) throw new NotFoundException(`Unknown plugin ${classOrAlias}.`);
    const range = requirement(version);
    if (range !== null && !range.contains(plugin.version))
      throw new BadRequestException(`Plugin ${plugin.className} has version ${plugin.version} which does not match the required version range ${range}`);
    const own = configKeyInfos(plugin.config);
    if (plugin.kind !== 'sink' && plugin.kind !== 'source') return own;
    return [...own, ...configKeyInfos(this.#validator.frameworkConfigOf(plugin)).filter(({ name }) => !Object.hasOwn(plugin.config.keys, name))];
  }

  /** What a connector guarantees, in a few words; null where it says nothing, or is none. */
  delivery(classOrAlias: string): string | null {
    const plugin = this.#ports.plugins.findAny(classOrAlias);
    return plugin?.kind === 'source' || plugin?.kind === 'sink' ? (plugin.delivery ?? null) : null;
  }

  /** Checks a config for a plugin whose name stands in the URL. */
  async validate(classOrAlias: string, config: RawConfig): Promise<ConfigInfos> {
    const included = config['connector.class'] ?? null;
    if (included !== null && !withoutSuffix(included).endsWith(withoutSuffix(classOrAlias)))
      throw new BadRequestException(`Included connector type ${included} does not match request type ${classOrAlias}`);
    return this.#validator.validate(config);
  }

  /**
   * What each step of a connector's converters and transformations makes of records. References to config providers stay
   * as they are: they are resolved only inside a run. Throws BadRequestException where the config is wrong.
   */
  async preview({ config, records }: { config: RawConfig; records: readonly PreviewRecord[] }): Promise<Preview> {
    const missing = Object.entries(config).find(([, value]) => value === null);
    if (missing !== undefined) throw new BadRequestException(`The value of '${missing[0]}' is null: expected a text`);
    try {
      return await preview(this.#ports, config as Record<string, string>, records);
    } catch (error) {
      throw isConnectException(error) ? new BadRequestException(error.message, { cause: error }) : error;
    }
  }
}

function withoutSuffix(name: string): string {
  return name.length > 'Connector'.length && name.endsWith('Connector') ? name.slice(0, -'Connector'.length) : name;
}

function requirement(version: string | null) {
  try {
    return versionRequirement(version);
  } catch (cause) {
    throw new BadRequestException(`Invalid version specification: ${version}`, { cause });
  }
}
