import { ConfigException } from '../../shared/connect/errors.ts';

/** Adds headers to those of an answer. */
export type ResponseHeaders = (headers: Readonly<Record<string, string>>, now: number) => Record<string, string>;

const actions = ['set', 'add', 'setDate', 'addDate'];
const key = 'response.http.headers.config';

/**
 * What `response.http.headers.config` says, as in Kafka Connect (KIP-577): rules `ACTION NAME: VALUE` with commas between, in double quotes
 * where there are commas in one; `set` replaces, `add` comes beside what is there, `setDate` and `addDate` give a date so many milliseconds
 * from now. Null: there are none.
 *
 * Throws ConfigException with Kafka Connect's texts.
 */
export function responseHeaders(worker: Readonly<Record<string, string | undefined>>): ResponseHeaders | null {
  const rules = split(worker[key] ?? '').map(rule);
  if (rules.length === 0) return null;
  return (headers, now) => {
    const result: Record<string, string> = { ...headers };
    for (const { replace, name, valueAt } of rules) {
      const before = replace ? undefined : result[name];
      result[name] = before === undefined ? valueAt(now) : `${before}, ${valueAt(now)}`;
    }
    return result;
  };
}

/** At commas outside of double quotes; quotes around a rule fall away. */
function split(text: string): string[] {
  const rules = text.match(/(?:"(?:[^"\\]|\\.)*"?|[^,"])+/g) ?? [];
  return rules.map((each) => each.trim().replace(/"((?:[^"\\]|\\.)*)"?/g, (_, quoted: string) => quoted.replace(/\\(.)/g, '$1'))).filter((each) => each !== '');
}

function rule(text: string) {
  const [, action = '', rest = ''] = /^(\S+)(?:\s+(.*))?$/s.exec(text) ?? [];
  if (!actions.includes(action)) throw new ConfigException(`Invalid header config action: '${action}'. Expected one of [${actions.join(', ')}]`);
  const [, name = '', value = ''] = /^([^:]*):(.*)$/s.exec(rest.trim()) ?? [];
  if (name.trim() === '' || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name.trim()))
    throw new ConfigException(
      `Invalid value '${text}' for configuration ${key}: expected an action, a header's name, a colon and a value, as in "${action} X-Name: value"`,
    );
  const date = action.endsWith('Date');
  const given = value.trim();
  if (date && !/^-?\d+$/.test(given))
    throw new ConfigException(`Invalid value '${text}' for configuration ${key}: ${action} wants a number of milliseconds from now`);
  if (/[\r\n\0]/.test(given)) throw new ConfigException(`Invalid value for configuration ${key}: a header cannot have more than one line`);
  return {
    replace: action.startsWith('set'),
    name: name.trim().toLowerCase(),
    valueAt: date ? (now: number) => new Date(now + Number(given)).toUTCString() : () => given,
  };
}
