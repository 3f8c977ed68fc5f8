import { ConfigException } from '../errors.ts';

/** Checks one parsed value. Throws ConfigException; its `toString` is what documentation prints as the valid values. */
export interface Validator {
  ensureValid(name: string, value: unknown): void;
  toString(): string;
}

/** A number not below `min` and not above `max` (Kafka's `Range`). Null passes, as it does not in Kafka: see `required`. */
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

/** One of these texts in any case (Kafka's `CaseInsensitiveValidString`). */
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

/** A text that is not empty (Kafka's `NonEmptyString`). */
export const nonEmptyString: Validator = {
  ensureValid(name, value) {
    if (typeof value === 'string' && value === '') throw ConfigException.forValue(name, '', 'String must be non-empty');
  },
  toString: () => 'non-empty string',
};

/** A list in which every text is one of these (Kafka's `ValidList.in`). */
export function listOf(...allowed: string[]): Validator {
  const one = oneOf(...allowed);
  return {
    ensureValid(name, value) {
      for (const item of (value as string[] | null) ?? []) one.ensureValid(name, item);
    },
    toString: () => one.toString(),
  };
}

/** A check of one's own, with the words that documentation prints for it. */
export function validator(describe: string, check: (name: string, value: unknown) => void): Validator {
  return { ensureValid: check, toString: () => describe };
}

/** Every check in turn (Kafka's `CompositeValidator`). */
export function allOf(...validators: Validator[]): Validator {
  return {
    ensureValid(name, value) {
      for (const each of validators) each.ensureValid(name, value);
    },
    toString: () => validators.map(String).join(','),
  };
}
