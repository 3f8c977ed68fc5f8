import { ConfigException, isConnectException } from '../../errors.ts';
import type { Plugins } from '../../plugins.ts';
import { VersionedPluginLoadingException, versionRequirement } from '../../version-range.ts';
import { boolean, ConfigDef, type ConfigShape, className, configDef, type RawConfig, string } from '../config-def.ts';
import { javaTrim, parseType } from '../parse-type.ts';
import { validator } from '../validators.ts';
import { classesOf, classParser, ensureConcreteSubclass, versionOf } from './plugin-keys.ts';

/** What differs between transformations and predicates. */
interface AliasedPlugins {
  readonly kind: 'transformation' | 'predicate';
  readonly javaInterface: 'Transformation' | 'Predicate';
  /** The key that lists the aliases. */
  readonly listKey: 'transforms' | 'predicates';
  readonly group: string;
  /** Keys that every plugin of the kind has besides its own; they hide its own of the same name. */
  readonly implicit: ConfigShape;
}

const aliased: readonly AliasedPlugins[] = [
  {
    kind: 'transformation',
    javaInterface: 'Transformation',
    listKey: 'transforms',
    group: 'Transforms',
    implicit: {
      predicate: string({ default: null, importance: 'MEDIUM', doc: 'The alias of a predicate used to determine whether to apply this transformation.' }),
      negate: boolean({
        default: false,
        importance: 'MEDIUM',
        doc: 'Whether the configured predicate should be negated.',
      }),
    },
  },
  { kind: 'predicate', javaInterface: 'Predicate', listKey: 'predicates', group: 'Predicates', implicit: {} },
];

/**
 * A connector's definition with the keys of the transformations and predicates that its config lists: `type`,
 * `plugin.version`, and the plugin's own keys where the class is known (Kafka's `ConnectorConfig.enrich`).
 */
export function enrich(base: ConfigDef, plugins: Plugins, config: RawConfig): ConfigDef {
  let definition = base;
  for (const each of aliased) {
    const aliases = (parseType(each.listKey, config[each.listKey] ?? null, 'LIST') as string[] | null) ?? [];
    for (const alias of new Set(aliases)) definition = addAlias(definition, each, alias, plugins, config);
  }
  return definition;
}

function addAlias(
  definition: ConfigDef,
  { kind, javaInterface, listKey, group: listGroup, implicit }: AliasedPlugins,
  alias: string,
  plugins: Plugins,
  config: RawConfig,
): ConfigDef {
  const prefix = `${listKey}.${alias}.`;
  const group = `${listGroup}: ${alias}`;
  const typeKey = `${prefix}type`;
  const versionKey = `${prefix}plugin.version`;
  const named = config[typeKey] ?? null;
  const found = named === null ? undefined : plugins.find(kind, javaTrim(named));

  /** The plugin's definition. Throws ConfigException where the class is wrong or of another version. */
  const pluginConfig = (className: string, version: string | null): ConfigDef => {
    ensureConcreteSubclass(plugins, kind, javaInterface, className);
    const plugin = plugins.find(kind, className);
    const range = versionRequirement(version);
    if (plugin !== undefined && range !== null && !range.contains(plugin.version))
      throw new VersionedPluginLoadingException(
        `Plugin ${plugin.className} not found that matches the version range ${range}, available versions: [${plugin.version}]`,
      );
    return plugin?.config ?? configDef({});
  };

  const type = className({
    parse: classParser(plugins),
    validator: validator(`valid configs for ${alias} ${kind}`, (_name, value) => {
      if (kind === 'transformation' && Object.hasOwn(config, `${prefix}negate`) && !Object.hasOwn(config, `${prefix}predicate`))
        throw new ConfigException(`Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`);
      if (typeof value === 'string') pluginConfig(value, config[versionKey] ?? found?.version ?? null);
    }),
    importance: 'HIGH',
    doc: `Class for the '${alias}' ${kind}.`,
    group,
    orderInGroup: 0,
    width: 'LONG',
    displayName: `${javaInterface} type for ${alias}`,
    recommender: classesOf(plugins, kind),
  });
  const version = string({
    default: found?.version ?? null,
    validator: validator('', (_name, value) => {
      if (value === null || named === null) return;
      try {
        pluginConfig(plugins.resolve(javaTrim(named)), value as string);
      } catch (error) {
        // What is wrong with the class is told at its own key.
        if (error instanceof VersionedPluginLoadingException) throw error;
      }
    }),
    importance: 'HIGH',
    doc: `Version of the '${alias}' ${kind}.`,
    group,
    orderInGroup: 1,
    width: 'LONG',
    displayName: `${javaInterface} version for ${alias}`,
    recommender: versionOf(plugins, [kind], typeKey, { alwaysVisible: true }),
  });
  const own = ownKeys(() => (named === null ? null : pluginConfig(classParser(plugins)(typeKey, named), config[versionKey] ?? null)));
  const withType = definition.extend({ [typeKey]: type, [versionKey]: version }) as ConfigDef;
  return own === null ? withType : withType.embed(prefix, group, 2, new ConfigDef({ ...own.keys, ...implicit }));
}

/** Null where the class cannot be asked for its keys. */
function ownKeys(read: () => ConfigDef | null): ConfigDef | null {
  try {
    return read();
  } catch (error) {
    if (isConnectException(error)) return null;
    throw error;
  }
}
