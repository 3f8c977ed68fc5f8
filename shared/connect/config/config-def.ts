import { ConfigException, isConnectException } from '../errors.ts';
import { type ConfigType, convertToString, parseType } from './parse-type.ts';
import type { Password } from './password.ts';
import type { Validator } from './validators.ts';

export type Importance = 'HIGH' | 'MEDIUM' | 'LOW';
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';

/** Config as people send it: texts. A null is kept, because Kafka Connect complains of it by name. */
export type RawConfig = Readonly<Record<string, string | null>>;

/** Values that may be chosen for a key, given the rest of the config (Kafka's `Recommender`). May throw ConfigException. */
export interface Recommender {
  validValues(name: string, config: Readonly<Record<string, unknown>>): readonly unknown[];
  visible(name: string, config: Readonly<Record<string, unknown>>): boolean;
}

/** What is declared about one key; the type of the parsed value is `T`. */
export interface KeyOptions<T> {
  /** Left out: the key is required. */
  readonly default?: T | null;
  readonly importance: Importance;
  /** Documentation: what it does, unit, effect. */
  readonly doc: string;
  readonly validator?: Validator;
  readonly group?: string;
  /** Place within the group; left out: in the order of declaration, from 1. */
  readonly orderInGroup?: number;
  readonly width?: Width;
  readonly displayName?: string;
  readonly dependents?: readonly string[];
  readonly recommender?: Recommender;
  /** Replaces the parsing of the type: a class name is looked up among plugins. Throws ConfigException. */
  readonly parse?: (name: string, text: string) => T;
  /** Hidden from documentation, still parsed. */
  readonly internal?: boolean;
}

/** The declaration of one key. `T` is the type of its parsed value. */
export interface ConfigKey<T = unknown> extends KeyOptions<T> {
  readonly type: ConfigType;
  readonly required: boolean;
  /** Only for inference. */
  readonly valueType?: T;
}

type Declared<T, O> = O extends { readonly default: null } ? ConfigKey<T | null> : ConfigKey<T>;

function key<T>(type: ConfigType) {
  return <const O extends KeyOptions<T>>(options: O): Declared<T, O> => ({ ...options, type, required: !('default' in options) }) as unknown as Declared<T, O>;
}

/** Declare a key of each of Kafka's types: `string({ default: '', importance: 'HIGH', doc: '…' })`. */
export const string = key<string>('STRING');
export const int = key<number>('INT');
export const short = key<number>('SHORT');
export const long = key<number>('LONG');
export const double = key<number>('DOUBLE');
export const boolean = key<boolean>('BOOLEAN');
export const list = key<readonly string[]>('LIST');
export const password = key<Password>('PASSWORD');
/** A class name; the value is the name as text. */
export const className = key<string>('CLASS');

/** The parsed config of a definition: `ConfigOf<typeof def>['batch.size']` is `number`. */
export type ConfigOf<D> = D extends ConfigDef<infer S> ? { readonly [K in keyof S]: S[K] extends ConfigKey<infer T> ? T : never } : never;

/** One key of a validation answer: value, what is wrong with it, what may be chosen. */
export interface ConfigValue {
  readonly name: string;
  value: unknown;
  recommendedValues: readonly unknown[];
  readonly errorMessages: string[];
  visible: boolean;
}

/** An answer to be filled in. */
export function configValue(name: string, value: unknown = null): ConfigValue {
  return { name, value, recommendedValues: [], errorMessages: [], visible: true };
}

// biome-ignore lint/suspicious/noExplicitAny: a shape of keys of any value types
export type ConfigShape = Readonly<Record<string, ConfigKey<any>>>;

/**
 * The configuration of a plugin, declared once (Kafka's `ConfigDef`). From it follow parsing, validation, the
 * answers of the REST API, the inferred TypeScript type and the reference documentation.
 */
export class ConfigDef<S extends ConfigShape = ConfigShape> {
  readonly keys: S;
  #places: ReadonlyMap<string, number> | undefined;

  constructor(keys: S) {
    this.keys = keys;
  }

  /** Groups in the order of their first key. */
  get groups(): string[] {
    return [...new Set(Object.values(this.keys).flatMap(({ group }) => (group === undefined ? [] : [group])))];
  }

  /** The place of a key within its group, from 1 unless declared otherwise; -1 without a group. */
  orderInGroup(name: string): number {
    this.#places ??= this.#countPlaces();
    return this.#places.get(name) ?? -1;
  }

  #countPlaces(): Map<string, number> {
    const counts = new Map<string, number>();
    const places = new Map<string, number>();
    for (const [name, { group, orderInGroup }] of Object.entries(this.keys)) {
      if (group === undefined) continue;
      const next = (counts.get(group) ?? 0) + 1;
      counts.set(group, next);
      places.set(name, orderInGroup ?? next);
    }
    return places;
  }

  /** A definition with these keys added (and replaced, where the name is the same). */
  extend<E extends ConfigShape>(keys: E): ConfigDef<Omit<S, keyof E> & E> {
    return new ConfigDef({ ...this.keys, ...keys });
  }

  /** Names in the order in which Kafka documents and embeds them: by group, place, required first, importance, name. */
  sortedNames(): string[] {
    const groups = this.groups;
    const importances = ['HIGH', 'MEDIUM', 'LOW'];
    const rank = (name: string): (number | string)[] => {
      const declared = this.keys[name] as ConfigKey;
      const group = declared.group === undefined ? -1 : groups.indexOf(declared.group);
      return [group, this.orderInGroup(name), declared.required ? 0 : 1, importances.indexOf(declared.importance), name];
    };
    return Object.keys(this.keys)
      .map(rank)
      .sort(compareRanks)
      .map((each) => each[4] as string);
  }

  /**
   * A definition with the keys of another one added under a prefix and a group (Kafka's `embed`): in the child's sorted
   * order, counted from `startingOrder`. Validators and recommenders of the child see its own names.
   */
  embed(prefix: string, group: string, startingOrder: number, child: ConfigDef): ConfigDef {
    const strip = (name: string) => name.slice(prefix.length);
    const embedded = child.sortedNames().map((name, index): [string, ConfigKey] => {
      const declared = child.keys[name] as ConfigKey;
      const { validator, recommender } = declared;
      return [
        prefix + name,
        {
          ...declared,
          group: group + (declared.group === undefined ? '' : `: ${declared.group}`),
          orderInGroup: startingOrder + index,
          displayName: declared.displayName ?? name,
          dependents: (declared.dependents ?? []).map((each) => prefix + each),
          ...(validator && {
            validator: { ...validator, ensureValid: (each, value) => validator.ensureValid(strip(each), value), toString: () => String(validator) },
          }),
          ...(recommender && {
            recommender: {
              validValues: (each, config) => recommender.validValues(strip(each), withoutPrefix(prefix, config)),
              visible: (each, config) => recommender.visible(strip(each), withoutPrefix(prefix, config)),
            },
          }),
        },
      ];
    });
    return new ConfigDef({ ...this.keys, ...Object.fromEntries(embedded) });
  }

  /** Parses a config. Keys that are not declared are ignored. Throws ConfigException at the first wrong key. */
  parse(config: RawConfig): ConfigOf<ConfigDef<S>> {
    const parsed: Record<string, unknown> = {};
    for (const [name, declared] of Object.entries(this.keys)) parsed[name] = this.#parseValue(name, declared, config);
    return parsed as ConfigOf<ConfigDef<S>>;
  }

  #parseValue(name: string, declared: ConfigKey, config: RawConfig): unknown {
    let value = this.#read(name, declared, config);
    if (declared.validator?.distinct && Array.isArray(value)) value = [...new Set(value)];
    declared.validator?.ensureValid(name, value);
    return value;
  }

  #read(name: string, declared: ConfigKey, config: RawConfig): unknown {
    if (Object.hasOwn(config, name)) {
      const text = config[name] ?? null;
      return declared.parse && text !== null ? declared.parse(name, text) : parseType(name, text, declared.type);
    }
    if (declared.required) throw new ConfigException(`Missing required configuration "${name}" which has no default value.`);
    return declared.default ?? null;
  }

  /**
   * Checks a whole config and tells everything that is wrong at once, a `ConfigValue` for each key in order (Kafka's
   * `validate`). A value that cannot be parsed is null, and its validator sees that null. A key that depends on two
   * others is checked twice, as in Kafka.
   */
  validateAll(config: RawConfig): ConfigValue[] {
    const values = new Map(Object.keys(this.keys).map((name) => [name, configValue(name)]));
    const parsed: Record<string, unknown> = {};
    const dependents = new Set(Object.values(this.keys).flatMap((declared) => declared.dependents ?? []));
    for (const name of dependents) {
      if (Object.hasOwn(this.keys, name)) continue;
      values.set(name, { ...configValue(name), errorMessages: [`${name} is referred in the dependents, but not defined.`], visible: false });
    }
    const roots = Object.keys(this.keys).filter((name) => !dependents.has(name));
    for (const name of roots) this.#parseForValidate(name, config, parsed, values);
    for (const name of roots) this.#recommend(name, parsed, values);
    return [...values.values()];
  }

  #parseForValidate(name: string, config: RawConfig, parsed: Record<string, unknown>, values: ReadonlyMap<string, ConfigValue>): void {
    const declared = this.keys[name];
    const result = values.get(name);
    if (declared === undefined || result === undefined) return;
    let value: unknown = null;
    attempt(result, () => {
      value = this.#read(name, declared, config);
    });
    attempt(result, () => declared.validator?.ensureValid(name, value));
    result.value = value;
    parsed[name] = value;
    for (const dependent of declared.dependents ?? []) this.#parseForValidate(dependent, config, parsed, values);
  }

  #recommend(name: string, parsed: Readonly<Record<string, unknown>>, values: ReadonlyMap<string, ConfigValue>): void {
    const declared = this.keys[name];
    const result = values.get(name);
    if (declared === undefined || result === undefined) return;
    const { recommender } = declared;
    if (recommender !== undefined)
      attempt(result, () => {
        const before = result.recommendedValues;
        const recommended = recommender.validValues(name, parsed);
        result.recommendedValues = before.length === 0 ? recommended : recommended.filter((each) => before.includes(each));
        result.visible = recommender.visible(name, parsed);
      });
    for (const dependent of declared.dependents ?? []) this.#recommend(dependent, parsed, values);
  }

  /** The default of a key as text, the way documentation and the REST API print it; null without one. */
  defaultText(name: string): string | null {
    const declared = this.keys[name];
    return declared === undefined || declared.required ? null : convertToString(declared.default, declared.type);
  }
}

/** Declares the configuration of a plugin; the order of keys is the order that people see. */
export function configDef<const S extends ConfigShape>(keys: S): ConfigDef<S> {
  return new ConfigDef(keys);
}

/** Runs a check; a ConfigException becomes an error message of the key. */
function attempt(result: ConfigValue, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!isConnectException(error) || error.javaClass !== 'org.apache.kafka.common.config.ConfigException') throw error;
    result.errorMessages.push(error.message);
  }
}

function compareRanks(one: readonly (number | string)[], other: readonly (number | string)[]): number {
  for (const [index, mine] of one.entries()) {
    const theirs = other[index] as number | string;
    if (mine !== theirs) return mine < theirs ? -1 : 1;
  }
  return 0;
}

function withoutPrefix(prefix: string, config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
