import { readFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { type LoginModule, unescaped } from '../../shared/kafka/security/jaas-config.ts';
import { StartupError } from './startup-error.ts';

/** `-DNAME=VALUE` of what is given to a JVM, as in KAFKA_OPTS. */
export function systemProperties(options: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const word of options.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? []) {
    const [, name, value] = /^-D([^=]+)=(.*)$/s.exec(word.replace(/["']/g, '')) ?? [];
    if (name !== undefined && value !== undefined) found[name] = value;
  }
  return found;
}

// Spaces and comments; texts in quotes; signs; words.
const tokens = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+|"((?:[^"\\\n]|\\[^\n])*)"|([=;{}])|([^\s=;{}"]+)/gy;

/**
 * Reads an entry of a Java login configuration file, `NAME { MODULE required OPTION="VALUE" …; };`. `${…}` in values are properties of the
 * system. Null: the file has no such entry.
 * @throws StartupError; it quotes nothing of the file, which may hold passwords
 */
export async function readJaasEntry(path: string, entry: string, properties: Readonly<Record<string, string>>): Promise<readonly LoginModule[] | null> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw new StartupError(`The login configuration ${path} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`);
  });
  const found = parseJaas(text, (where, expected) => new StartupError(`The login configuration ${path} is wrong at line ${where}: expected ${expected}.`));
  const system: Record<string, string> = { 'user.home': homedir(), 'user.dir': process.cwd(), 'java.io.tmpdir': tmpdir(), '/': '/', ...properties };
  const expanded = (value: string) =>
    value.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const is = system[name];
      if (is === undefined) throw new StartupError(`The login configuration ${path} refers to the system property ${name}, which is not set.`);
      return is;
    });
  const modules = found.get(entry);
  return (
    modules?.map(({ name, options }) => ({ name, options: Object.fromEntries(Object.entries(options).map(([key, value]) => [key, expanded(value)])) })) ?? null
  );
}

function parseJaas(text: string, wrong: (line: number, expected: string) => StartupError): ReadonlyMap<string, readonly LoginModule[]> {
  const line = (index: number) => text.slice(0, index).split('\n').length;
  const read: { text: string; sign: boolean; line: number }[] = [];
  tokens.lastIndex = 0;
  while (tokens.lastIndex < text.length) {
    const at = tokens.lastIndex;
    const match = tokens.exec(text);
    if (!match) throw wrong(line(at), 'the end of a text in quotes');
    const [, quoted, sign, word] = match;
    const token = quoted === undefined ? (sign ?? word) : unescaped(quoted);
    if (token !== undefined) read.push({ text: token, sign: sign !== undefined, line: line(at) });
  }
  let next = 0;
  const here = () => read[next]?.line ?? line(text.length);
  const isSign = (sign: string) => read[next]?.sign === true && read[next]?.text === sign;
  const take = (sign: string) => {
    if (!isSign(sign)) throw wrong(here(), `'${sign}'`);
    next++;
  };
  const word = (what: string): string => {
    const token = read[next];
    if (!token || token.sign) throw wrong(here(), what);
    next++;
    return token.text;
  };
  const entries = new Map<string, LoginModule[]>();
  while (next < read.length) {
    const name = word('the name of an entry');
    const modules: LoginModule[] = [];
    take('{');
    while (!isSign('}')) {
      const module = word('the class of a login module');
      if (!/^(?:required|requisite|sufficient|optional)$/i.test(word('required, requisite, sufficient or optional')))
        throw wrong(here(), 'required, requisite, sufficient or optional');
      const options: Record<string, string> = {};
      while (!isSign(';')) {
        const key = word("an option or ';'");
        take('=');
        options[key] = word('the value of an option');
      }
      take(';');
      modules.push({ name: module, options });
    }
    take('}');
    take(';');
    entries.set(name, modules);
  }
  return entries;
}
