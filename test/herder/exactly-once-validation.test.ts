import { describe, expect, it } from 'vitest';
import { configValue } from '../../shared/connect/config/config-def.ts';
import type { SourceConnectorDefinition } from '../../shared/connect/index.ts';
import { fileStreamSource } from '../../shared/connectors/file/source.ts';
import { validateExactlyOnceSupport, validateTransactionBoundary } from '../../shared/herder/exactly-once-validation.ts';
import { usesExactlyOnce } from '../../shared/runtime/exactly-once/source-support.ts';

type Answers = { readonly support?: () => unknown; readonly boundaries?: () => unknown };

/** A connector that answers so. */
function connectorOf({ support, boundaries }: Answers): SourceConnectorDefinition {
  const answers = { ...(support && { exactlyOnceSupport: support }), ...(boundaries && { canDefineTransactionBoundaries: boundaries }) };
  return { ...fileStreamSource, exactlyOnceSupport: undefined, canDefineTransactionBoundaries: undefined, ...answers } as unknown as SourceConnectorDefinition;
}

function throws(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

describe('exactly.once.support=required', () => {
  const check = (answers: Answers, worker: Record<string, string> = {}, level = 'REQUIRED') => {
    const value = configValue('exactly.once.support', level);
    validateExactlyOnceSupport(value, connectorOf(answers), {}, worker);
    return value.errorMessages;
  };

  it.each<[string, Answers, string[]]>([
    ['supports it', { support: () => 'SUPPORTED' }, []],
    ['does not', { support: () => 'UNSUPPORTED' }, ['The connector does not support exactly-once semantics with the provided configuration.']],
    [
      'says nothing',
      {},
      [
        'The connector does not implement the API required for preflight validation of exactly-once source support. Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then consider reconfiguring the connector to use the value "requested" for this property (which will disable this preflight check and allow the connector to be created).',
      ],
    ],
    [
      'says something else',
      { support: () => 'MAYBE' },
      ['An unexpected error occurred during validation: Unexpected value returned from SourceConnector::exactlyOnceSupport: MAYBE'],
    ],
    ['throws', { support: throws(' no idea ') }, ['An unexpected error occurred during validation: no idea']],
    ['throws without a word', { support: throws('') }, ['An unexpected error occurred during validation; please see the worker logs for more details.']],
  ])('of a connector that %s', (_what, answers, expected) => {
    expect(check(answers)).toEqual(expected);
    expect(check(answers, {}, 'requested')).toEqual([]);
  });

  it('is refused by a worker that is told not to, whatever the connector says', () => {
    const refusal = 'This worker does not have exactly-once source support enabled.';
    for (const level of ['disabled', 'preparing', 'Disabled'])
      expect(check({ support: () => 'SUPPORTED' }, { 'exactly.once.source.support': level })).toEqual([refusal]);
    expect(check({ support: () => 'UNSUPPORTED' }, { 'exactly.once.source.support': 'disabled' })).toHaveLength(2);
    expect(check({ support: () => 'SUPPORTED' }, { 'exactly.once.source.support': 'ENABLED' })).toEqual([]);
    expect(() => check({}, { 'exactly.once.source.support': 'on' })).toThrow(
      'Invalid value on for configuration exactly.once.source.support: String must be one of (case insensitive): DISABLED, PREPARING, ENABLED',
    );
  });

  it('of FileStreamSource needs a file, and a config that is right', () => {
    const { exactlyOnceSupport } = fileStreamSource;
    expect(exactlyOnceSupport?.({ topic: 't', file: '/tmp/x' })).toBe('SUPPORTED');
    expect(exactlyOnceSupport?.({ topic: 't', file: '' })).toBe('UNSUPPORTED');
    expect(exactlyOnceSupport?.({ topic: 't' })).toBe('UNSUPPORTED');
    expect(() => exactlyOnceSupport?.({ file: '/tmp/x' })).toThrow('Missing required configuration "topic" which has no default value.');
  });
});

describe('transaction.boundary=connector', () => {
  const refusal =
    'The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.';

  it.each<[string, Answers, string[]]>([
    ['can', { boundaries: () => 'SUPPORTED' }, []],
    ['cannot', { boundaries: () => 'UNSUPPORTED' }, [refusal]],
    ['says nothing', {}, [refusal]],
    [
      'says null',
      { boundaries: () => null },
      [
        "This connector has returned a null value from its canDefineTransactionBoundaries method, which is not permitted. The connector will be treated as if it cannot define its own transaction boundaries, and cannot be configured with 'transaction.boundary' set to 'connector'.",
      ],
    ],
    ['throws', { boundaries: throws('no idea') }, ['An unexpected error occurred during validation: no idea']],
  ])('of a connector that %s', (_what, answers, expected) => {
    const value = configValue('transaction.boundary', 'Connector');
    validateTransactionBoundary(value, connectorOf(answers), {});
    expect(value.errorMessages).toEqual(expected);
  });
});

describe('A source writes in transactions', () => {
  it.each([
    [undefined, undefined, false],
    [undefined, 'requested', false],
    [undefined, 'REQUIRED', true],
    ['disabled', 'required', false],
    ['preparing', 'required', false],
    ['enabled', undefined, true],
    ['Enabled', 'requested', true],
  ])('on a worker with %s, of a connector with %s: %s', (level, support, expected) => {
    const worker: Record<string, string> = level === undefined ? {} : { 'exactly.once.source.support': level };
    expect(usesExactlyOnce(worker, support === undefined ? {} : { 'exactly.once.support': support })).toBe(expected);
  });
});
