import { type ConfigNotes, InvalidConfigException } from '../../shared/herder/config-notes.ts';
import { asciiJson } from '../ascii-json.ts';
import { exactly } from './http.ts';

/*
 * Facts beside an answer that is Kafka Connect's: headers whose value is JSON in ASCII, such as
 * `Sluice-Unknown-Keys: [{"key":"topcs","suggestion":"topics"}]`. They are left out when there is nothing to tell.
 */

/** Most characters of a header: API Gateway takes 10,240 bytes of them all. */
const longestHeader = 4_000;
const longestError = 300;

/** What an answer tells about a config that was taken. */
export function noteHeaders({ unknownKeys, resumesFrom = [] }: Partial<ConfigNotes>): Record<string, string> {
  return {
    ...listHeader('sluice-unknown-keys', unknownKeys ?? []),
    ...(resumesFrom.length === 0
      ? {}
      : { 'sluice-resumes-from': `${resumesFrom.length} ${resumesFrom.length === 1 ? 'offset' : 'offsets'}; ${asMany(resumesFrom)}` }),
  };
}

/** What an error tells beside its body. */
export function errorHeaders(error: unknown): Record<string, string> {
  if (!(error instanceof InvalidConfigException)) return {};
  const short = error.invalidKeys.map(({ key, errors }) => ({ key, errors: errors.map(shortened) }));
  return { ...listHeader('sluice-invalid-keys', short), ...noteHeaders(error) };
}

function listHeader(name: string, list: readonly unknown[]): Record<string, string> {
  return list.length === 0 ? {} : { [name]: asMany(list) };
}

/** As many of a list as a header takes. */
function asMany(list: readonly unknown[]): string {
  const parts: string[] = [];
  let length = 2;
  for (const each of list) {
    const part = asciiJson(each, exactly);
    length += part.length + 1;
    if (length > longestHeader) break;
    parts.push(part);
  }
  return `[${parts.join(',')}]`;
}

function shortened(text: string): string {
  return text.length <= longestError ? text : `${text.slice(0, longestError)}…`;
}
