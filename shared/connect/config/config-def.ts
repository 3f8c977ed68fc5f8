import { ConfigException } from '../errors.ts';
import { type ConfigType, convertToString, parseType } from './parse-type.ts';
import type { Password } from './password.ts';
import type { Validator } from './validators.ts';

export type Importance = 'HIGH' | 'MEDIUM' | 'LOW';
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG';

/** Config as people send it: texts. A null is kept, because Kafka Connect complains of it by name. */
export type RawConfig = Readonly<Record<string, string | null>>;

/** Values that may be chosen for a key, given the rest of the config (Kafka's `Recommender`). */
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
  readonly width?: Width;
  readonly displayName?: string;
  readonly dependents?: readonly string[];
  readonly recommender?: Recommender;
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

// biome-ignore lint/suspicious/noExplicitAny: a shape of keys of any value types
export type ConfigShape = Readonly<Record<string, ConfigKey<any>>>;

/**
 * The configuration of a plugin, declared once (Kafka's `ConfigDef`). From it follow parsing, validation, the
 * answers of the REST API, the inferred TypeScript type and the reference documentation.
 */
export class ConfigDef<S extends ConfigShape = ConfigShape> {
  readonly keys: S;

  constructor(keys: S) {
    this.keys = keys;
  }

  /** Groups in the order of their first key. */
  get groups(): string[] {
    return [...new Set(Object.values(this.keys).flatMap(({ group }) => (group === undefined ? [] : [group])))];
  }

  /** The place of a key within its group, from 1; -1 without a group. */
  orderInGroup(name: string): number {
    const group = this.keys[name]?.group;
    if (group === undefined) return -1;
    return (
      Object.entries(this.keys)
        .filter(([, each]) => each.group === group)
        .findIndex(([each]) => each === name) + 1
    );
  }

  /** A definition with these keys added (and replaced, where the name is the same). */
  extend<E extends ConfigShape>(keys: E): ConfigDef<Omit<S, keyof E> & E> {
    return new ConfigDef({ ...this.keys, ...keys });
  }

  /** Parses a config. Keys that are not declared are ignored. Throws ConfigException at the first wrong key. */
  parse(config: RawConfig): ConfigOf<ConfigDef<S>> {
    const parsed: Record<string, unknown> = {};
    for (const [name, declared] of Object.entries(this.keys)) parsed[name] = this.#parseValue(name, declared, config);
    return parsed as ConfigOf<ConfigDef<S>>;
  }

  #parseValue(name: string, declared: ConfigKey, config: RawConfig): unknown {
    let value: unknown;
    if (Object.hasOwn(config, name)) value = parseType(name, config[name] ?? null, declared.type);
    else if (declared.required) throw new ConfigException(`Missing required configuration "${name}" which has no default value.`);
    else value = declared.default ?? null;
    declared.validator?.ensureValid(name, value);
    return value;
  }

  /** Checks a whole config and tells everything that is wrong at once, a `ConfigValue` for each key in order (Kafka's `validate`). */
  validateAll(config: RawConfig): ConfigValue[] {
    const parsed: Record<string, unknown> = {};
    const values = Object.entries(this.keys).map(([name, declared]): ConfigValue => {
      const errorMessages: string[] = [];
      let value: unknown = null;
      const attempt = (action: () => void) => {
        try {
          action();
        } catch (error) {
          if (!(error instanceof ConfigException)) throw error;
          errorMessages.push(error.message);
        }
      };
      if (Object.hasOwn(config, name)) {
        attempt(() => {
          value = parseType(name, config[name] ?? null, declared.type);
        });
      } else if (declared.required) errorMessages.push(`Missing required configuration "${name}" which has no default value.`);
      else value = declared.default ?? null;
      attempt(() => declared.validator?.ensureValid(name, value));
      parsed[name] = value;
      return { name, value, recommendedValues: [], errorMessages, visible: true };
    });
    for (const result of values) {
      const recommender = this.keys[result.name]?.recommender;
      if (recommender === undefined) continue;
      result.recommendedValues = recommender.validValues(result.name, parsed);
      result.visible = recommender.visible(result.name, parsed);
    }
    return values;
  }

  /** The default of a key as text, the way documentation and the REST API print it; null without one. */
  defaultText(name: string): string | null {
    const declared = this.keys[name];
    return declared === undefined || declared.required ? null : convertToString(declared.default);
  }
}

/** Declares the configuration of a plugin; the order of keys is the order that people see. */
export function configDef<const S extends ConfigShape>(keys: S): ConfigDef<S> {
  return new ConfigDef(keys);
}
