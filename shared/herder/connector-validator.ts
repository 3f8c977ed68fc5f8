import { ConfigDef, type ConfigOf, type ConfigShape, type ConfigValue, configDef, configValue, type RawConfig } from '../connect/config/config-def.ts';
import { deadLetterKeyErrors } from '../connect/config/dead-letter-config.ts';
import { type ClientType, clientConfig } from '../connect/config/framework/client-config.ts';
import { type ConverterDefaults, connectorKeys, type Enrichment } from '../connect/config/framework/connector-config.ts';
import { enrich } from '../connect/config/framework/enrich.ts';
import { sinkConnectorKeys, validateSinkTopics } from '../connect/config/framework/sink-connector-config.ts';
import { sourceConnectorKeys } from '../connect/config/framework/source-connector-config.ts';
import { usesTopicCreation } from '../connect/config/framework/topic-creation-config.ts';
import { type ConfigType, parseType } from '../connect/config/parse-type.ts';
import { sluiceKeysOf, unknownSluiceKeys } from '../connect/config/sluice-config.ts';
import type { ConnectorDefinition, SourceConnectorDefinition } from '../connect/connector.ts';
import { isConnectException } from '../connect/errors.ts';
import type { Plugins } from '../connect/plugins.ts';
import { type VersionRange, versionRequirement } from '../connect/version-range.ts';
import { allowsExactlyOnceSources } from '../runtime/exactly-once/source-support.ts';
import { type ClientConfigOverridePolicy, overridePolicy } from './client-config-override-policy.ts';
import { generateResult, inHashOrder, mergeConfigInfos, prefixedConfigInfos } from './config-infos.ts';
import { BadRequestException } from './connect-rest-exception.ts';
import type { ConfigInfos } from './entities.ts';
import { validateExactlyOnceSupport, validateTransactionBoundary } from './exactly-once-validation.ts';
import { refuseClearSecrets, secretsAreRequired } from './secrets-required.ts';

const defaultHeaderConverter = 'org.apache.kafka.connect.storage.SimpleHeaderConverter';

/** Checks connector configs as Kafka Connect does before it accepts one (`AbstractHerder.validateConnectorConfig`), in the same order and with the same answers. */
export class ConnectorValidator {
  readonly #plugins: Plugins;
  readonly #worker: Readonly<Record<string, string>>;
  readonly #policy: ClientConfigOverridePolicy;
  readonly #providers: ReadonlySet<string>;

  constructor(options: { plugins: Plugins; worker: Readonly<Record<string, string>> }) {
    this.#plugins = options.plugins;
    this.#worker = options.worker;
    this.#policy = overridePolicy(options.worker);
    // What is wrong in the worker is told before anybody needs it.
    allowsExactlyOnceSources(options.worker);
    secretsAreRequired(options.worker, {});
    this.#providers = new Set((parseType('config.providers', options.worker['config.providers'] ?? '', 'LIST') as string[]).filter((alias) => alias !== ''));
  }

  /**
   * Every key with its value and what is wrong with it. References to config providers are not resolved here, because
   * secrets are for runs only: a value that is one counts as right. Throws BadRequestException when there is no
   * connector class, or it is unknown.
   */
  async validate(config: RawConfig): Promise<ConfigInfos> {
    const connector = this.#connectorOf(config);
    if ('configs' in connector) return connector;
    const framework = this.#checkFramework(connector, config);
    return framework.with(await validateOwn(connector, config));
  }

  /**
   * The same at once, where the connector's system cannot be reached, for example while a deployment is put together: what the connector itself
   * checks in its `validate` is left out. Throws as `validate`.
   */
  validateOffline(config: RawConfig): ConfigInfos {
    const connector = this.#connectorOf(config);
    return 'configs' in connector ? connector : this.#checkFramework(connector, config).with(connector.config.validateAll(config));
  }

  /** The connector's definition, or the answer when it is not there in the version that is asked for. */
  #connectorOf(config: RawConfig): ConnectorDefinition | ConfigInfos {
    const connectorClass = config['connector.class'] ?? null;
    if (connectorClass === null) throw new BadRequestException(`Connector config ${mapToString(config)} contains no connector type`);
    const range = rangeOf(config);
    try {
      const connector = this.#plugins.connector(connectorClass);
      return range !== null && !range.contains(connector.version) ? this.#invalidVersion(config, connector, range) : connector;
    } catch (error) {
      if (isConnectException(error)) throw new BadRequestException(error.message, { cause: error });
      throw error;
    }
  }

  /** Everything but the connector's own keys, which `with` adds. */
  #checkFramework(connector: ConnectorDefinition, config: RawConfig): { with(own: readonly ConfigValue[]): ConfigInfos } {
    const connectorClass = config['connector.class'] as string;
    const framework = this.#frameworkConfig(connector, config);
    const values = new Map(framework.validateAll(config).map((value) => [value.name, value]));
    if (connector.kind === 'sink') this.#validateSink(config, values);
    else this.#validateSource(connector, config, values);
    reportNulls(config, values);
    for (const name of unknownSluiceKeys(config)) {
      if (!Object.hasOwn(connector.config.keys, name))
        valueAt(values, name).errorMessages.push(`Unknown configuration '${name}': no key of this name begins with 'sluice.'`);
    }
    for (const { name, message } of deadLetterKeyErrors(connector.kind, config)) valueAt(values, name).errorMessages.push(message);
    const converters = mergeConfigInfos(connectorClass, [
      this.#validateConverter('header', config, values),
      this.#validateConverter('key', config, values),
      this.#validateConverter('value', config, values),
    ]);
    const clients = this.#validateClientOverrides(connector, config, connectorClass);
    return {
      with: (own) => {
        this.#acceptReferences(config, [...values.values(), ...own]);
        const inOrder = inHashOrder([...values.keys()]).map((name) => values.get(name) as ConfigValue);
        const main = generateResult(connectorClass, [framework, connector.config], [...inOrder, ...own]);
        return this.#withoutClearSecrets(config, framework.extend(connector.config.keys), mergeConfigInfos(connectorClass, [main, clients, converters]));
      },
    };
  }

  #withoutClearSecrets(config: RawConfig, definition: ConfigDef, infos: ConfigInfos): ConfigInfos {
    if (!secretsAreRequired(this.#worker, config)) return infos;
    const isReference = (text: string | null) => this.#isReference(text);
    return refuseClearSecrets(infos, config, { definition, plugins: this.#plugins, worker: this.#worker, providers: this.#providers, isReference });
  }

  /** The framework's keys and the connector's own, as `GET /connector-plugins/{plugin}/config` tells them. */
  frameworkConfigOf(connector: ConnectorDefinition): ConfigDef {
    const enrichment: Enrichment = { connectorVersion: connector.version };
    return configDef(connector.kind === 'sink' ? sinkConnectorKeys(enrichment) : sourceConnectorKeys(enrichment));
  }

  #frameworkConfig(connector: ConnectorDefinition, config: RawConfig): ConfigDef {
    const enrichment: Enrichment = {
      plugins: this.#plugins,
      recommend: true,
      connectorVersion: connector.version,
      keyConverter: this.#converterDefaults('key', config),
      valueConverter: this.#converterDefaults('value', config),
      headerConverter: this.#converterDefaults('header', config),
    };
    const base = configDef(connector.kind === 'sink' ? sinkConnectorKeys(enrichment) : sourceConnectorKeys(enrichment));
    const enriched = enrich(base, this.#plugins, config);
    return new ConfigDef({ ...enriched.keys, ...sluiceKeysOf(config).keys });
  }

  /** The worker's converter is the default class; the version belongs to the class that is used. */
  #converterDefaults(side: 'key' | 'value' | 'header', config: RawConfig): ConverterDefaults {
    const kind = side === 'header' ? 'header_converter' : 'converter';
    const named = config[`${side}.converter`] ?? null;
    const workerClass = this.#worker[`${side}.converter`] ?? (side === 'header' ? defaultHeaderConverter : null);
    if (named === null && workerClass === null) return { className: null, version: null };
    const version =
      named !== null
        ? this.#plugins.find(kind, named)?.version
        : (this.#worker[`${side}.converter.plugin.version`] ?? this.#plugins.find(kind, workerClass as string)?.version);
    return { className: workerClass === null ? null : this.#plugins.resolve(workerClass), version: version ?? null };
  }

  #validateSink(config: RawConfig, values: Map<string, ConfigValue>): void {
    validateSinkTopics(config, values);
    const workerGroup = this.#worker['group.id'] ?? 'connect-cluster';
    const override = 'consumer.override.group.id';
    if (Object.hasOwn(config, override)) {
      const value = valueAt(values, override, config[override]);
      if (config[override] === workerGroup) value.errorMessages.push(`Consumer group ${workerGroup} conflicts with Connect worker group ${workerGroup}`);
      return;
    }
    const name = valueAt(values, 'name');
    if (`connect-${name.value}` === workerGroup)
      name.errorMessages.push(`Consumer group for sink connector named ${name.value} conflicts with Connect worker group ${workerGroup}`);
  }

  #validateSource(connector: SourceConnectorDefinition, config: RawConfig, values: Map<string, ConfigValue>): void {
    const texts = withoutNulls(config);
    validateExactlyOnceSupport(valueAt(values, 'exactly.once.support'), connector, texts, this.#worker);
    validateTransactionBoundary(valueAt(values, 'transaction.boundary'), connector, texts);
  }

  /** Null when the connector names no converter, or one that is wrong. */
  #validateConverter(side: 'header' | 'key' | 'value', config: RawConfig, values: Map<string, ConfigValue>): ConfigInfos | null {
    const key = `${side}.converter`;
    const named = config[key] ?? null;
    const value = valueAt(values, key);
    const version = valueAt(values, `${key}.plugin.version`);
    if (named === null || value.errorMessages.length > 0 || version.errorMessages.length > 0) return null;
    const converter = this.#plugins.find(side === 'header' ? 'header_converter' : 'converter', named.trim());
    if (converter === undefined) return null;
    const range = versionRequirement(config[`${key}.plugin.version`] ?? null);
    if (range !== null && !range.contains(converter.version)) {
      const message = versionMismatch(converter, range);
      value.errorMessages.push(message);
      version.errorMessages.push(message);
      return null;
    }
    const prefix = `${key}.`;
    const checked = converter.config.validateAll({ 'converter.type': side, ...entriesWithPrefix(config, prefix) });
    this.#acceptReferences(entriesWithPrefix(config, prefix), checked);
    const byName = new Map(checked.map((each) => [each.name, each]));
    return prefixedConfigInfos(
      converter.config,
      inHashOrder([...byName.keys()]).map((name) => byName.get(name) as ConfigValue),
      prefix,
    );
  }

  #validateClientOverrides(connector: ConnectorDefinition, config: RawConfig, connectorClass: string): ConfigInfos {
    const isSource = connector.kind === 'source';
    const deadLetters = (config['errors.deadletterqueue.topic.name'] ?? '').trim() !== '';
    const ownOffsetsTopic = isSource && (allowsExactlyOnceSources(this.#worker) || (config['offsets.storage.topic'] ?? '').trim() !== '');
    const producer = isSource || deadLetters;
    const admin = (isSource ? usesTopicCreation(config) : deadLetters) || ownOffsetsTopic;
    const consumer = !isSource || ownOffsetsTopic;
    return mergeConfigInfos(connectorClass, [
      producer ? this.#clientOverrides('producer', config) : null,
      consumer ? this.#clientOverrides('consumer', config) : null,
      admin ? this.#clientOverrides('admin', config) : null,
    ]);
  }

  #clientOverrides(client: ClientType, config: RawConfig): ConfigInfos {
    const prefix = `${client}.override.`;
    const definition = clientConfig(client);
    const overrides = entriesWithPrefix(config, prefix);
    const values = inHashOrder(Object.keys(overrides)).map((name) => {
      const type = definition.keys[name]?.type;
      const text = overrides[name] ?? null;
      const value = configValue(name, text);
      if (type !== undefined && type !== 'CLASS' && !this.#isReference(text)) value.value = parseOverride(name, text, type);
      if (!this.#policy.isAllowed(name))
        value.errorMessages.push(`The '${this.#policy.name}' policy does not allow '${name}' to be overridden in the connector configuration.`);
      return value;
    });
    return prefixedConfigInfos(definition, values, prefix);
  }

  /** The connector is there, but not in the version asked for: only the framework's part is checked. */
  #invalidVersion(config: RawConfig, connector: ConnectorDefinition, range: VersionRange): ConfigInfos {
    const definition = configDef(connectorKeys({ connectorVersion: connector.version }));
    const values = new Map(definition.validateAll(config).map((value) => [value.name, value]));
    const message = versionMismatch(connector, range);
    valueAt(values, 'connector.class').errorMessages.push(message);
    const version = valueAt(values, 'connector.plugin.version');
    version.errorMessages.push(message);
    version.recommendedValues = [connector.version];
    reportNulls(config, values);
    return generateResult(config['connector.class'] ?? '', [definition], [...values.values()]);
  }

  #isReference(text: string | null): boolean {
    if (text === null) return false;
    return [...text.matchAll(/\$\{([^}:]*):[^}]*\}/g)].some(([, alias]) => this.#providers.has(alias as string));
  }

  /** What a reference stands for is not known here: it is told as it was sent, and nothing is wrong with it. */
  #acceptReferences(config: RawConfig, values: readonly ConfigValue[]): void {
    if (this.#providers.size === 0) return;
    for (const value of values) {
      // The worker's converters are defaults here, and may be references, too.
      const text = config[value.name] ?? (/^(?:key|value|header)\.converter$/.test(value.name) ? this.#worker[value.name] : null) ?? null;
      if (!this.#isReference(text)) continue;
      value.value = text;
      value.errorMessages.length = 0;
    }
  }
}

/** The connector's own definition, and what it checks itself. */
async function validateOwn(connector: ConnectorDefinition, config: RawConfig): Promise<ConfigValue[]> {
  const values = connector.config.validateAll(config);
  if (connector.validate === undefined) return values;
  const byName = new Map(values.map((value) => [value.name, value]));
  const texts = withoutNulls(config);
  const parsed = values.every(({ errorMessages }) => errorMessages.length === 0) ? parsedOrNull(connector.config, texts) : null;
  await connector.validate({ rawConfig: texts, config: parsed, value: (name) => valueAt(byName, name) });
  return [...byName.values()];
}

function parsedOrNull(definition: ConfigDef, config: RawConfig): ConfigOf<ConfigDef<ConfigShape>> | null {
  try {
    return definition.parse(config);
  } catch {
    return null;
  }
}

/** Kafka Connect tells of a range that is none without the class of its error, whatever the request: hence no cause. */
function rangeOf(config: RawConfig): ReturnType<typeof versionRequirement> {
  try {
    return versionRequirement(config['connector.plugin.version'] ?? null);
  } catch (error) {
    throw isConnectException(error) ? new BadRequestException(error.message) : error;
  }
}

/** A wrong value is an error of the whole request, as in Kafka Connect: the policy cannot judge it. */
function parseOverride(name: string, text: string | null, type: ConfigType): unknown {
  try {
    return parseType(name, text, type);
  } catch (error) {
    if (isConnectException(error)) throw new BadRequestException(error.message, { cause: error });
    throw error;
  }
}

/** The value of a name, made where there is none yet. */
function valueAt(values: Map<string, ConfigValue>, name: string, value: unknown = null): ConfigValue {
  const known = values.get(name) ?? configValue(name, value);
  values.set(name, known);
  return known;
}

function entriesWithPrefix(config: RawConfig, prefix: string): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

function withoutNulls(config: RawConfig): Record<string, string> {
  return Object.fromEntries(Object.entries(config).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Java's `Map.toString`. */
function mapToString(config: RawConfig): string {
  return `{${Object.entries(config)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ')}}`;
}

function reportNulls(config: RawConfig, values: Map<string, ConfigValue>): void {
  for (const [name, value] of Object.entries(config)) {
    if (value === null) valueAt(values, name).errorMessages.push('Null value can not be supplied as the configuration value.');
  }
}

function versionMismatch({ className, version }: { className: string; version: string }, range: VersionRange): string {
  return `Plugin ${className} not found that matches the version range ${range}, available versions: [${version}]`;
}
