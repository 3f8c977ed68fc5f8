/** A case of the validation vectors: what a running Kafka Connect answered to `PUT /connector-plugins/{class}/config/validate`. */
interface ValidateCase {
  readonly id: string;
  readonly class: string;
  readonly config: Readonly<Record<string, string | null>>;
  readonly expect: {
    readonly status: number;
    readonly body?: unknown;
    readonly name?: string;
    readonly error_count?: number;
    readonly groups?: readonly string[];
    readonly configs?: readonly ExpectedConfig[];
  };
}

interface ExpectedConfig {
  /** Id of a definition; null where there is none. */
  readonly definition: string | null;
  readonly value: ExpectedValue | null;
}

/** A document whose answers name their values too, by their places in a list: a tenth of the size. */
export interface ValidateTables {
  readonly format: 'connect-validation-tables/1';
  readonly definitions: ValidateDocument['definitions'];
  readonly values: readonly ExpectedValue[];
  readonly cases: readonly (Omit<ValidateCase, 'expect'> & {
    readonly expect: Omit<ValidateCase['expect'], 'configs'> & { readonly configs?: readonly (readonly [definition: string | null, value: number | null])[] };
  })[];
}

interface ExpectedValue {
  readonly name: string;
  readonly value: string | null;
  readonly recommended_values: readonly string[];
  readonly errors: readonly string[];
  readonly visible: boolean;
}

export interface ValidateDocument {
  readonly definitions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly cases: readonly ValidateCase[];
}

/** The document that tables stand for. */
export function fromTables({ definitions, values, cases }: ValidateTables): ValidateDocument {
  const valueAt = (at: number | null) => (at === null ? null : (values[at] as ExpectedValue));
  return {
    definitions,
    cases: cases.map(({ expect: { configs, ...expect }, ...each }) => ({
      ...each,
      expect: { ...expect, ...(configs && { configs: configs.map(([definition, value]) => ({ definition, value: valueAt(value) })) }) },
    })),
  };
}

/** Answers one case. */
export type Validate = (className: string, config: ValidateCase['config']) => Promise<{ status: number; body: unknown }>;

export interface ValidateResult {
  readonly passed: number;
  readonly failed: number;
  /** Error messages that are equal word for word, of those whose text is no accident. */
  readonly messages: { readonly equal: number; readonly total: number };
  /** A line per difference, beginning with the id of its case. */
  readonly mismatches: readonly string[];
}

interface Options {
  /** Whether the documentation of keys is compared too. The words of ours are our own. */
  readonly documentation?: boolean;
}

/** Compares answers with the vectors: status, errors, names, values, definitions, groups and their order. */
export async function compareValidate(document: ValidateDocument, validate: Validate, options: Options = {}): Promise<ValidateResult> {
  const mismatches: string[] = [];
  const messages = { equal: 0, total: 0 };
  let failed = 0;
  for (const each of document.cases) {
    const found = await answerOf(each, validate);
    const differences = typeof found === 'string' ? [found] : compareCase(each, found, document.definitions, messages, options);
    if (differences.length > 0) failed++;
    mismatches.push(...differences.map((difference) => `${each.id}: ${difference}`));
  }
  return { passed: document.cases.length - failed, failed, messages, mismatches };
}

/** Replays the vectors against a running REST API. */
export function runValidate(document: ValidateDocument, { url }: { url: string }, options: Options = {}): Promise<ValidateResult> {
  return compareValidate(
    document,
    async (className, config) => {
      const response = await fetch(`${url.replace(/\/$/, '')}/connector-plugins/${encodeURIComponent(className)}/config/validate`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(config),
      });
      return { status: response.status, body: await response.json() };
    },
    options,
  );
}

async function answerOf(each: ValidateCase, validate: Validate) {
  try {
    return await validate(each.class, each.config);
  } catch (error) {
    return `no answer: ${error}`;
  }
}

interface ActualConfig {
  readonly definition: Readonly<Record<string, unknown>> | null;
  readonly value: ExpectedValue | null;
}

function compareCase(
  { expect }: ValidateCase,
  found: { status: number; body: unknown },
  definitions: ValidateDocument['definitions'],
  messages: { equal: number; total: number },
  options: Options,
): string[] {
  if (found.status !== expect.status) return [`status: expected ${expect.status}, got ${found.status} ${short(found.body)}`];
  if (expect.configs === undefined) return same('body', expect.body, found.body);
  const body = found.body as { name: string; error_count: number; groups: string[]; configs: ActualConfig[] };
  const differences = [
    ...same('name', expect.name, body.name),
    ...same('error_count', expect.error_count, body.error_count),
    ...same('groups', expect.groups, body.groups),
    ...same('names', expect.configs.map(nameOf), body.configs.map(nameOf)),
  ];
  const actual = new Map(body.configs.map((config) => [nameOf(config), config]));
  for (const config of expect.configs) {
    const name = nameOf(config);
    const given = actual.get(name);
    if (given === undefined) continue;
    differences.push(...compareDefinition(name, config.definition === null ? null : (definitions[config.definition] ?? null), given.definition, options));
    if (config.value !== null && given.value !== null) differences.push(...compareValue(name, config.value, given.value, messages));
  }
  return differences;
}

function nameOf({ definition, value }: { definition: unknown; value: { name: string } | null }): string {
  return value?.name ?? String((definition as { name?: string } | null)?.name ?? definition);
}

function compareDefinition(
  name: string,
  expected: Readonly<Record<string, unknown>> | null,
  given: Readonly<Record<string, unknown>> | null,
  options: Options,
): string[] {
  if (expected === null || given === null) return same(`${name}.definition`, expected, given);
  return Object.entries(expected).flatMap(([field, value]) =>
    field === 'documentation' && !options.documentation ? [] : same(`${name}.definition.${field}`, value, given[field]),
  );
}

function compareValue(name: string, expected: ExpectedValue, given: ExpectedValue, messages: { equal: number; total: number }): string[] {
  const missing = expected.recommended_values.filter((each) => !given.recommended_values.includes(each));
  const differences = [
    ...same(`${name}.value`, expected.value, given.value),
    ...same(`${name}.visible`, expected.visible, given.visible),
    ...(missing.length > 0 ? [`${name}.recommended_values: lacks ${missing.join(', ')}`] : []),
    ...same(`${name}.errors.length`, expected.errors.length, given.errors.length),
  ];
  for (const [index, message] of expected.errors.entries()) {
    if (/^\$\{.*\}$/.test(message)) continue;
    messages.total++;
    if (given.errors[index] === message) messages.equal++;
    else differences.push(`${name}.errors: expected ${short(message)}, got ${short(given.errors[index])}`);
  }
  return differences;
}

function same(path: string, expected: unknown, given: unknown): string[] {
  return JSON.stringify(expected) === JSON.stringify(given) ? [] : [`${path}: expected ${short(expected)}, got ${short(given)}`];
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
