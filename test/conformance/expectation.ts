import { javaClassOf } from '../../shared/connect/index.ts';
import { canonical } from './tagged-values.ts';

/** What an operation is to throw. */
export interface ExpectedError {
  readonly phase: string;
  readonly exceptionClass: string;
  readonly message: string | null;
  /** The text comes from the JVM or a library: only that it fails counts. */
  readonly messageIsIncidental?: boolean;
}

/** What became of a case: an answer in the vectors' form, or an error and the phase in which it was thrown. */
export type Outcome = { readonly answer: unknown } | { readonly error: unknown; readonly phase: string };

/** Counts error messages that are equal word for word, of those whose text is no accident. */
export interface MessageCount {
  equal: number;
  total: number;
}

export interface RunResult {
  readonly passed: number;
  readonly failed: number;
  readonly messages: MessageCount;
  /** A line per difference, beginning with the id of its case. */
  readonly mismatches: readonly string[];
  /** What a reader should know of the vectors themselves. */
  readonly notes?: readonly string[];
}

/** Runs an operation of some phase; what it throws is an outcome. */
export function attempt<T>(phase: string, operation: () => T): { readonly value: T } | { readonly error: unknown; readonly phase: string } {
  try {
    return { value: operation() };
  } catch (error) {
    return { error, phase };
  }
}

/** The differences between what was expected and what came, as text; none when they are the same. */
export function differences(expect: Readonly<Record<string, unknown>>, outcome: Outcome, messages: MessageCount): string[] {
  const expected = expect['error'] as ExpectedError | undefined;
  if (expected === undefined) {
    if ('error' in outcome) return [`expected ${shortened(expect)}, got ${describe(outcome.error)} (${outcome.phase})`];
    const { text: _text, hasJavaFloatText: _mark, ...answer } = expect;
    return canonical(answer) === canonical(outcome.answer) || isNullResult(answer, outcome.answer)
      ? []
      : [`expected ${shortened(expect)}, got ${shortened(outcome.answer)}`];
  }
  const told = `${expected.exceptionClass}: ${expected.message} (${expected.phase})`;
  if (!('error' in outcome)) return [`expected ${told}, got ${shortened(outcome.answer)}`];
  const found: string[] = [];
  if (outcome.phase !== expected.phase) found.push(`expected ${told}, got ${describe(outcome.error)} (${outcome.phase})`);
  if (expected.messageIsIncidental) return found;
  messages.total++;
  const message = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
  if (message === (expected.message ?? '')) messages.equal++;
  else found.push(`expected the message ${JSON.stringify(expected.message)}, got ${JSON.stringify(message)}`);
  if (javaClassOf(outcome.error) !== expected.exceptionClass) found.push(`expected the class ${expected.exceptionClass}, got ${javaClassOf(outcome.error)}`);
  return found;
}

function describe(error: unknown): string {
  return `${javaClassOf(error)}: ${error instanceof Error ? error.message : String(error)}`;
}

function shortened(json: unknown): string {
  const text = JSON.stringify(json) ?? 'nothing';
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** Where Java's converter gives back null itself, ours gives a null without a schema: a record or header has the same of both. */
function isNullResult(expected: Readonly<Record<string, unknown>>, answer: unknown): boolean {
  return canonical(expected) === '{"result":null}' && canonical(answer) === '{"schema":null,"value":null}';
}
