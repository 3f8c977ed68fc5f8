import { ConfigException } from '../errors.ts';
import { javaPattern } from '../java-pattern.ts';

/** Checks one parsed value. Throws ConfigException; its `toString` is what documentation prints as the valid values. */
export interface Validator {
  ensureValid(name: string, value: unknown): void;
  toString(): string;
  /** Repeated items of a list are dropped before it is checked, when a config is parsed (KIP-1161). Validation reports them. */
  readonly distinct?: boolean;
}

/** A number not below `min` and not above `max` (Kafka's `Range`). Null is refused. */
export function range(min: number | null, max: number | null = null): Validator {
  return {
    ensureValid(name, value) {
      if (value === null || value === undefined) throw ConfigException.forValue(name, null, 'Value must be non-null');
      const number = Number(value);
      if (min !== null && number < min) throw ConfigException.forValue(name, value, `Value must be at least ${min}`);
      if (max !== null && number > max) throw ConfigException.forValue(name, value, `Value must be no more than ${max}`);
    },
    toString: () => (min === null ? `[...,${max}]` : max === null ? `[${min},...]` : `[${min},...,${max}]`),
  };
}

/** At least `min` (Kafka's `Range.atLeast`). */
export const atLeast = (min: number): Validator => range(min);
/** Between both, inclusive (Kafka's `Range.between`). */
export const between = (min: number, max: number): Validator => range(min, max);

/** One of these texts, in this case (Kafka's `ValidString`). */
export function oneOf(...allowed: string[]): Validator {
  return {
    ensureValid(name, value) {
      if (!allowed.includes(value as string)) throw ConfigException.forValue(name, value, `String must be one of: ${allowed.join(', ')}`);
    },
    toString: () => `[${allowed.join(', ')}]`,
  };
}

/**
 * One of these texts in any case (Kafka's `CaseInsensitiveValidString`). Messages tell them in the order given here;
 * Kafka's own order is that of a hash set.
 */
export function oneOfIgnoringCase(...allowed: string[]): Validator {
  const upper = allowed.map((text) => text.toUpperCase());
  return {
    ensureValid(name, value) {
      if (value === null || value === undefined || !upper.includes(String(value).toUpperCase()))
        throw ConfigException.forValue(name, value, `String must be one of (case insensitive): ${upper.join(', ')}`);
    },
    toString: () => `(case insensitive) [${upper.join(', ')}]`,
  };
}

/** A text that is not empty (Kafka's `NonEmptyString`). Null passes. */
export const nonEmptyString: Validator = {
  ensureValid(name, value) {
    if (typeof value === 'string' && value === '') throw ConfigException.forValue(name, '', 'String must be non-empty');
  },
  toString: () => 'non-empty string',
};

/** Kafka's `NonEmptyStringWithoutControlChars`: what the name of a connector must be. Null passes. */
export const nonEmptyStringWithoutControlChars: Validator = {
  ensureValid(name, value) {
    if (typeof value !== 'string') return;
    if (value === '') throw ConfigException.forValue(name, '', 'String may not be empty');
    const found = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at)).filter((code) => code <= 0x1f || (code >= 0x7f && code <= 0x9f));
    if (found.length > 0)
      throw ConfigException.forValue(name, value, `String may not contain control sequences but had the following ASCII chars: ${found.join(', ')}`);
  },
  toString: () => 'non-empty string without ISO control characters',
};

/** Anything but null (Kafka's `NonNullValidator`). */
export const nonNull: Validator = {
  ensureValid(name, value) {
    if (value === null || value === undefined) throw ConfigException.forValue(name, 'null', 'entry must be non null');
  },
  toString: () => 'non-null string',
};

/** A list without null, empty or repeated items, of any texts (Kafka's `ValidList.anyNonDuplicateValues`). */
export function nonDuplicateValues({ emptyAllowed, nullAllowed = false }: { emptyAllowed: boolean; nullAllowed?: boolean }): Validator {
  return validList([], emptyAllowed, nullAllowed);
}

/** A list in which every text is one of these (Kafka's `ValidList.in`). */
export function listOf(...allowed: string[]): Validator {
  return validList(allowed, true, false);
}

function validList(allowed: readonly string[], emptyAllowed: boolean, nullAllowed: boolean): Validator {
  const one = allowed.length > 0 ? oneOf(...allowed) : null;
  return {
    distinct: true,
    ensureValid(name, value) {
      if (value === null || value === undefined) {
        if (nullAllowed) return;
        throw new ConfigException(`Configuration '${name}' values must not be null.`);
      }
      const values = value as readonly string[];
      if (!emptyAllowed && values.length === 0)
        throw new ConfigException(`Configuration '${name}' must not be empty. Valid values include: ${one ?? 'any non-empty value'}`);
      if (new Set(values).size !== values.length) throw new ConfigException(`Configuration '${name}' values must not be duplicated.`);
      for (const item of values) {
        if (item === '') throw new ConfigException(`Configuration '${name}' values must not be empty.`);
        one?.ensureValid(name, item);
      }
    },
    toString: () => one?.toString() ?? '',
  };
}

/** A list of so many items at most (Kafka's `ListSize`). */
export function atMostOfSize(size: number): Validator {
  return {
    ensureValid(name, value) {
      if ((value as readonly string[]).length > size) throw ConfigException.forValue(name, value, `exceeds maximum list size of [${size}].`);
    },
    toString: () => `List containing maximum of ${size} elements`,
  };
}

/** A `java.util.regex` pattern (Kafka's `RegexValidator`). */
export const validRegex: Validator = {
  ensureValid(name, value) {
    try {
      javaPattern(String(value ?? '['));
    } catch (error) {
      throw ConfigException.forValue(name, value, `Invalid regex: ${value === null ? 'there is none' : (error as Error).message}`);
    }
  },
  toString: () => 'valid regex',
};

/** A check of one's own, with the words that documentation prints for it. */
export function validator(describe: string, check: (name: string, value: unknown) => void): Validator {
  return { ensureValid: check, toString: () => describe };
}

/** Every check in turn, up to the first that fails (Kafka's `CompositeValidator`). */
export function allOf(...validators: Validator[]): Validator {
  return {
    ensureValid(name, value) {
      for (const each of validators) each.ensureValid(name, value);
    },
    toString: () => validators.map(String).join(', '),
  };
}
