import type { ConfigProviderDefinition } from './config-provider.ts';
import type { ConnectorDefinition } from './connector.ts';
import type { ConverterDefinition, HeaderConverterDefinition } from './converter.ts';
import { ConnectException } from './errors.ts';
import type { PredicateDefinition, TransformationDefinition } from './transformation.ts';

/** Every kind of plugin that a list of plugins may hold. */
export type PluginDefinition =
  | ConnectorDefinition
  | ConverterDefinition
  | HeaderConverterDefinition
  | TransformationDefinition
  | PredicateDefinition
  | ConfigProviderDefinition;

export type PluginKind = PluginDefinition['kind'];

type DefinitionOf<K extends PluginKind> = Extract<PluginDefinition, { kind: K }>;

/** Java's interface of each kind: it stands in messages, and its name is what an alias leaves out. */
const interfaces: Readonly<Record<PluginKind, string>> = {
  source: 'Connector',
  sink: 'Connector',
  converter: 'Converter',
  header_converter: 'HeaderConverter',
  transformation: 'Transformation',
  predicate: 'Predicate',
  config_provider: 'ConfigProvider',
};

/** The order in which `GET /connector-plugins` tells the kinds. Config providers are not told. */
const listed = ['sink', 'source', 'transformation', 'predicate', 'converter', 'header_converter'] as const;

/** What a class name in a config turned out to be. */
export interface PluginClass {
  readonly className: string;
  readonly kinds: ReadonlySet<PluginKind>;
  /** Of a class that is only the common part of others (`Cast` of `Cast$Key` and `Cast$Value`): those others. */
  readonly subclasses: readonly string[];
}

/**
 * All plugins of a cluster, by full class name, simple class name (`JsonConverter`), or that without the name of its
 * kind (`Json`, `FileStreamSink`), as in Kafka Connect. A short name that would fit two classes fits none.
 */
export class Plugins {
  readonly #byKind = new Map<PluginKind, Map<string, PluginDefinition>>();
  readonly #classes = new Map<string, PluginClass>();
  readonly #aliases: ReadonlyMap<string, string>;

  /** Later definitions replace earlier ones of the same kind and class. */
  constructor(definitions: readonly PluginDefinition[]) {
    for (const definition of definitions) {
      const { kind, className } = definition;
      const ofKind = this.#byKind.get(kind) ?? new Map<string, PluginDefinition>();
      this.#byKind.set(kind, ofKind.set(className, definition));
      const known = this.#classes.get(className);
      this.#classes.set(className, { className, kinds: new Set([...(known?.kinds ?? []), kind]), subclasses: [] });
    }
    for (const { className, kinds } of [...this.#classes.values()]) {
      const outer = /^(.+)\$(Key|Value)$/.exec(className)?.[1];
      if (outer === undefined || (this.#classes.has(outer) && this.#classes.get(outer)?.subclasses.length === 0)) continue;
      this.#classes.set(outer, { className: outer, kinds, subclasses: [...(this.#classes.get(outer)?.subclasses ?? []), className].sort() });
    }
    this.#aliases = aliasesOf(definitions);
  }

  /** The connector of this name. Throws ConnectException with Kafka's text, which clients match on. */
  connector(classOrAlias: string): ConnectorDefinition {
    const connectors = this.connectors();
    const name = this.resolve(classOrAlias);
    const exact = connectors.find(({ className }) => className === name);
    if (exact !== undefined) return exact;
    const matches = connectors.filter(({ className }) => [classOrAlias, `${classOrAlias}Connector`].includes(simpleName(className)));
    if (matches.length === 1) return matches[0] as ConnectorDefinition;
    const available = connectors.map(describe).join(', ');
    throw new ConnectException(
      matches.length === 0
        ? `Failed to find any class that implements Connector and which name matches ${classOrAlias}, available connectors are: ${available}`
        : `More than one connector matches alias ${classOrAlias}. Please use full package and class name instead. Classes found: ${available}`,
    );
  }

  converter(classOrAlias: string): ConverterDefinition {
    return this.#get('converter', classOrAlias);
  }

  headerConverter(classOrAlias: string): HeaderConverterDefinition {
    return this.#get('header_converter', classOrAlias);
  }

  transformation(classOrAlias: string): TransformationDefinition {
    return this.#get('transformation', classOrAlias);
  }

  predicate(classOrAlias: string): PredicateDefinition {
    return this.#get('predicate', classOrAlias);
  }

  configProvider(classOrAlias: string): ConfigProviderDefinition {
    return this.#get('config_provider', classOrAlias);
  }

  /** The plugin of a kind, or undefined. */
  find<K extends PluginKind>(kind: K, classOrAlias: string): DefinitionOf<K> | undefined {
    return this.#byKind.get(kind)?.get(this.resolve(classOrAlias)) as DefinitionOf<K> | undefined;
  }

  /** The first plugin of this name in the order of `list`, whatever its kind. */
  findAny(classOrAlias: string): PluginDefinition | undefined {
    for (const kind of listed) {
      const found = this.find(kind, classOrAlias);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The full class name that an alias stands for; other names as they are. */
  resolve(classOrAlias: string): string {
    return this.#aliases.get(classOrAlias) ?? classOrAlias;
  }

  /** What is known of a class, or undefined when no plugin has this name. */
  classOf(classOrAlias: string): PluginClass | undefined {
    return this.#classes.get(this.resolve(classOrAlias));
  }

  /** Plugins of a kind, by class name. */
  ofKind<K extends PluginKind>(kind: K): readonly DefinitionOf<K>[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])].sort(byClassName) as DefinitionOf<K>[];
  }

  /** Sinks and sources, by class name. */
  connectors(): readonly ConnectorDefinition[] {
    return [...this.ofKind('sink'), ...this.ofKind('source')].sort(byClassName);
  }

  /** All that `GET /connector-plugins` tells, in its order. */
  list(): readonly PluginDefinition[] {
    return listed.flatMap((kind): readonly PluginDefinition[] => this.ofKind(kind));
  }

  #get<K extends PluginKind>(kind: K, classOrAlias: string): DefinitionOf<K> {
    const found = this.find(kind, classOrAlias);
    if (found !== undefined) return found;
    const available = this.ofKind(kind)
      .map(({ className }) => className)
      .join(', ');
    throw new ConnectException(
      `Failed to find any class that implements ${interfaces[kind]} and which name matches ${classOrAlias}, available classes are: ${available}`,
    );
  }
}

/** Java's simple class name: what follows the package and the enclosing class. */
function simpleName(className: string): string {
  return className.slice(Math.max(className.lastIndexOf('.'), className.lastIndexOf('$')) + 1);
}

function aliasesOf(definitions: readonly PluginDefinition[]): ReadonlyMap<string, string> {
  const candidates = new Map<string, Set<string>>();
  const add = (alias: string, className: string) => candidates.set(alias, (candidates.get(alias) ?? new Set()).add(className));
  for (const { kind, className, aliases = [] } of definitions) {
    const simple = simpleName(className);
    const suffix = simple.lastIndexOf(interfaces[kind]);
    for (const alias of [simple, suffix > 0 ? simple.slice(0, suffix) : simple, ...aliases]) add(alias, className);
  }
  return new Map([...candidates].flatMap(([alias, [first, ...others]]) => (first !== undefined && others.length === 0 ? [[alias, first]] : [])));
}

function byClassName(one: PluginDefinition, other: PluginDefinition): number {
  return one.className < other.className ? -1 : one.className > other.className ? 1 : 0;
}

/** A connector as Kafka's message about an unknown class prints it. */
function describe({ className, version, kind }: PluginDefinition): string {
  return `PluginDesc{klass=class ${className}, name='${className}', version='${version}', encodedVersion=${version}, type=${kind}, typeName='${kind}', location='classpath'}`;
}
