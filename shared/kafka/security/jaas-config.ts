import { ConfigException } from '../../connect/errors.ts';

/** What `sasl.jaas.config` says: the login module's class and its options. */
export interface LoginModule {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
}

// Spaces and comments; texts in either quotes; the two signs; words.
const tokens = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+|"((?:[^"\\\n]|\\[^\n])*)"|'((?:[^'\\\n]|\\[^\n])*)'|([=;])|([^\s=;"']+)/gy;

interface Token {
  readonly text: string;
  readonly kind: 'sign' | 'word' | 'quoted';
}

/**
 * Reads the value of `sasl.jaas.config`, in the syntax of Java login configurations:
 * `org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret";`
 *
 * Throws ConfigException with the texts of Kafka's parser. Nothing of the value is quoted: any part of it may be a secret.
 */
export function parseJaasConfig(value: string): LoginModule {
  const read = tokenize(value);
  let at = 0;
  const isSign = (sign: string) => read[at]?.kind === 'sign' && read[at]?.text === sign;
  const name = read[at++];
  if (!name) throw refuse('JAAS config property does not contain any login modules');
  if (name.kind === 'sign') throw refuse('Login module not specified in JAAS config');
  const flag = read[at++];
  if (!flag || flag.kind === 'sign') throw refuse('Login module control flag not specified in JAAS config');
  if (!/^(REQUIRED|REQUISITE|SUFFICIENT|OPTIONAL)$/i.test(flag.text)) throw refuse('Login module control flag is not available in the JAAS config');
  const options: Record<string, string> = {};
  while (at < read.length && !isSign(';')) {
    const key = read[at++] as Token;
    const option = !isSign('=') ? undefined : read[at + 1];
    if (key.kind === 'sign' || !option || option.kind === 'sign') throw refuse('Value not specified for a key in JAAS config');
    options[key.text] = option.text;
    at += 2;
  }
  if (!isSign(';')) throw refuse('JAAS config entry not terminated by semi-colon');
  if (at + 1 < read.length) throw refuse('JAAS config property contains more than one login module, should be 1 module');
  return { name: name.text, options };
}

/** An option that must be there. Throws ConfigException. */
export function requiredOption({ options }: LoginModule, name: string): string {
  const value = options[name];
  if (value === undefined) throw refuse(`It should be a login module with ${name}="..." and end with a semicolon`);
  return value;
}

/** The error for what is wrong with `sasl.jaas.config`; `why` must not quote it. */
export function refuse(why: string): ConfigException {
  return new ConfigException(`Invalid value [hidden] for configuration sasl.jaas.config: ${why}`);
}

function tokenize(value: string): Token[] {
  const found: Token[] = [];
  tokens.lastIndex = 0;
  while (tokens.lastIndex < value.length) {
    const match = tokens.exec(value);
    if (!match) throw refuse('A quotation mark is not closed');
    const [, double, single, sign, word] = match;
    if (double !== undefined || single !== undefined) found.push({ text: unescaped(double ?? (single as string)), kind: 'quoted' });
    else if (sign !== undefined) found.push({ text: sign, kind: 'sign' });
    else if (word !== undefined) found.push({ text: word, kind: 'word' });
  }
  return found;
}

const escapes: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

// As java.io.StreamTokenizer does.
export function unescaped(quoted: string): string {
  return quoted.replace(/\\(?:([0-3]?[0-7]{1,2})|([\s\S]))/g, (_, octal: string | undefined, character: string) =>
    octal === undefined ? (escapes[character] ?? character) : String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
