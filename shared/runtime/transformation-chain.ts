import { boolean, ConfigDef, configDef, string } from '../connect/config/config-def.ts';
import { connectorKeys } from '../connect/config/framework/connector-config.ts';
import type { ConnectRecord } from '../connect/data/record.ts';
import { ConfigException, ConnectException, javaClassOf } from '../connect/errors.ts';
import type { Predicate, PredicateDefinition, Transformation, TransformationDefinition } from '../connect/transformation.ts';

/** Finds a plugin by class name or alias; undefined when there is none. */
export interface ChainPlugins {
  (kind: 'transformation', classOrAlias: string): TransformationDefinition | undefined;
  (kind: 'predicate', classOrAlias: string): PredicateDefinition | undefined;
}

/** One transformation of a chain, with its predicate. */
export interface TransformationStage {
  readonly alias: string;
  /** Its Java class, which errors are told with. */
  readonly className: string;
  /** The record that comes out, or null when it is dropped. */
  readonly apply: <R extends ConnectRecord>(record: R) => R | null;
}

type Config = Readonly<Record<string, string>>;

const { transforms, predicates } = connectorKeys();
const lists = configDef({ transforms, predicates });
const stageKeys = {
  predicate: string({ default: null, importance: 'MEDIUM', doc: 'Alias of the predicate that decides whether a record passes.' }),
  negate: boolean({ default: false, importance: 'MEDIUM', doc: 'Whether those records pass that the predicate does not match.' }),
};

/**
 * The transformations that a connector's config lists in `transforms`, in order, each behind the predicate that it names
 * (KIP-66, KIP-585). A plugin's own keys are those below `transforms.<alias>.` and `predicates.<alias>.`.
 * Throws ConfigException where a key is wrong, and ConnectException where a plugin does not take its config.
 */
export class TransformationChain {
  readonly stages: readonly TransformationStage[];
  readonly #closers: (() => void)[] = [];

  constructor(config: Config, plugins: ChainPlugins) {
    const aliases = lists.parse(config);
    const found = aliases.transforms.map((alias) => checkTransformation(alias, config, plugins));
    const known = new Map(aliases.predicates.map((alias) => [alias, checkPredicate(alias, config, plugins)]));
    try {
      this.stages = found.map((each) => this.#stage(each, known, config));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Applies every stage; null when one dropped the record. Errors come as the transformation threw them. */
  apply<R extends ConnectRecord>(record: R): R | null {
    let current: R | null = record;
    for (const { apply } of this.stages) {
      current = apply(current);
      if (current === null) return null;
    }
    return current;
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }

  #stage({ alias, definition, predicate, negate }: Checked, known: ReadonlyMap<string, PredicateDefinition>, config: Config): TransformationStage {
    const { className } = definition;
    const transformation = this.#make(() => definition.create(below(`transforms.${alias}.`, config)));
    if (predicate === null) return { alias, className, apply: (record) => transformation.apply(record) };
    const named = known.get(predicate);
    // Kafka Connect asks for the version of the predicate first, and so it is that key that it complains of.
    if (named === undefined) throw wrapped(wrapped(new ConfigException(`Unknown configuration 'predicates.${predicate}.plugin.version'`)));
    const test = this.#make(() => named.create(below(`predicates.${predicate}.`, config)));
    return { alias, className, apply: (record) => (test.test(record) === negate ? record : transformation.apply(record)) };
  }

  #make<P extends Transformation | Predicate>(create: () => P): P {
    let plugin: P;
    try {
      plugin = create();
    } catch (error) {
      throw wrapped(error);
    }
    if (plugin.close) this.#closers.push(() => plugin.close?.());
    return plugin;
  }
}

interface Checked {
  readonly alias: string;
  readonly definition: TransformationDefinition;
  readonly predicate: string | null;
  readonly negate: boolean;
}

function checkTransformation(alias: string, config: Config, plugins: ChainPlugins): Checked {
  const prefix = `transforms.${alias}.`;
  const definition = find(`${prefix}type`, config, 'Transformation', (name) => plugins('transformation', name));
  if (Object.hasOwn(config, `${prefix}negate`) && !Object.hasOwn(config, `${prefix}predicate`))
    throw new ConfigException(`Config '${prefix}negate' was provided but there is no config '${prefix}predicate' defining a predicate to be negated.`);
  parseBelow(prefix, { ...definition.config.keys, ...stageKeys }, config);
  // Blanks are allowed there, and yet these two are taken as they stand: ` true ` does not negate.
  return { alias, definition, predicate: config[`${prefix}predicate`] ?? null, negate: config[`${prefix}negate`]?.toLowerCase() === 'true' };
}

function checkPredicate(alias: string, config: Config, plugins: ChainPlugins): PredicateDefinition {
  const prefix = `predicates.${alias}.`;
  const definition = find(`${prefix}type`, config, 'Predicate', (name) => plugins('predicate', name));
  parseBelow(prefix, definition.config.keys, config);
  return definition;
}

/** Checks the keys of a plugin under their full names, so that messages tell those. */
function parseBelow(prefix: string, keys: ConfigDef['keys'], config: Config): void {
  new ConfigDef({}).embed(prefix, prefix, 0, new ConfigDef(keys)).parse(config);
}

function find<D>(key: string, config: Config, javaInterface: string, lookup: (name: string) => (D & { className: string }) | undefined): D {
  const name = config[key]?.trim();
  if (name === undefined) throw ConfigException.forValue(key, null, `Not a ${javaInterface}`);
  const found = lookup(name);
  if (found !== undefined) return found;
  const subclasses = ['Key', 'Value'].flatMap((side) => lookup(`${name}$${side}`)?.className ?? []);
  if (subclasses.length > 0) throw new ConfigException(`This class is abstract and cannot be created. Did you mean ${subclasses.join(', ')}?`);
  throw ConfigException.forValue(key, name, `Class ${name} could not be found.`);
}

function below(prefix: string, config: Config): Record<string, string> {
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) if (name.startsWith(prefix)) own[name.slice(prefix.length)] = value;
  return own;
}

/** What Java makes of an exception that is only passed on as a cause. */
function wrapped(cause: unknown): ConnectException {
  return new ConnectException(`${javaClassOf(cause)}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}
