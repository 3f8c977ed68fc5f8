import { describe, expect, test } from 'vitest';
import { ConfigException } from '../../shared/connect/index.ts';
import type { Logger } from '../../shared/connect/logger.ts';
import { ResolvedSecrets } from '../../shared/runtime/resolved-secrets.ts';

function secretsWith(...values: readonly (readonly [string, string])[]): ResolvedSecrets {
  const secrets = new ResolvedSecrets();
  for (const [value, reference] of values) secrets.add(value, reference);
  return secrets;
}

describe('secrets that were read', () => {
  test.each([
    ['password hunter2$&! is wrong', 'password ${v:pw} is wrong'],
    ['https://u:hunter2%24%26!@host', 'https://u:${v:pw}@host'],
    ['{"pw":"hunter2$&!"}', '{"pw":"${v:pw}"}'],
    ['xhunter2$&!x', 'x${v:pw}x'],
    // A short value is hidden only as a word of its own; a longer one that begins with it goes first.
    ['user anna of annabel, port 5432, 543', 'user ${v:user} of annabel, port ${v:port}, 543'],
    ['anna-belle', '${v:long}'],
    ['no', 'no'],
  ])('%s', (text, hidden) => {
    const secrets = secretsWith(['hunter2$&!', '${v:pw}'], ['anna', '${v:user}'], ['anna-belle', '${v:long}'], ['5432', '${v:port}'], ['no', '${v:no}']);
    expect(secrets.hide(text)).toBe(hidden);
  });

  test('that have line ends or quotes are hidden in JSON, too', () => {
    const secrets = secretsWith(['-----KEY\n"abc"', '${v:key}']);
    expect(secrets.hide(JSON.stringify({ key: '-----KEY\n"abc"' }))).toBe('{"key":"${v:key}"}');
  });

  test('stand in no message of an error or its causes, whose classes stay', () => {
    const error = new ConfigException('Invalid value hunter2hunter2', { cause: new Error('no such host hunter2hunter2') });
    const hidden = secretsWith(['hunter2hunter2', '${v:pw}']).hideIn(error);
    expect(hidden).toBe(error);
    expect(hidden).toBeInstanceOf(ConfigException);
    expect(`${hidden.message} ${hidden.stack} ${(hidden.cause as Error).message} ${(hidden.cause as Error).stack}`).not.toContain('hunter2');
    expect(hidden.message).toBe('Invalid value ${v:pw}');
  });

  test('are not logged, in messages, fields, and errors within them', () => {
    const lines: unknown[] = [];
    const write = (message: string, fields?: Record<string, unknown>) => lines.push([message, fields]);
    const logger: Logger = { trace: write, debug: write, info: write, warn: write, error: write };
    const hidden = secretsWith(['hunter2hunter2', '${v:pw}']).logger(logger);
    hidden.warn('at hunter2hunter2', { count: 3, at: ['hunter2hunter2', { deep: 'hunter2hunter2' }], error: new Error('hunter2hunter2') });
    hidden.info('nothing');
    expect(lines).toEqual([
      ['at ${v:pw}', { count: 3, at: ['${v:pw}', { deep: '${v:pw}' }], error: new Error('${v:pw}') }],
      ['nothing', undefined],
    ]);
  });
});
