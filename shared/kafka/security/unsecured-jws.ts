import type { BearerToken } from './bearer-tokens.ts';
import { type LoginModule, refuse } from './jaas-config.ts';

const prefix = {
  string: 'unsecuredLoginStringClaim_',
  number: 'unsecuredLoginNumberClaim_',
  list: 'unsecuredLoginListClaim_',
  extension: 'unsecuredLoginExtension_',
} as const;

/**
 * An unsigned token from the options of `OAuthBearerLoginModule`, as Kafka's own handler for development makes it
 * (KIP-255): `unsecuredLoginStringClaim_sub="alice"` and so on. Throws ConfigException.
 */
export function unsecuredToken(module: LoginModule): BearerToken {
  const { options } = module;
  const claims: Record<string, unknown> = {};
  const claim = (name: string, value: unknown) => {
    if (name === '' || name === 'iat' || name === 'exp') throw refuse(`Cannot explicitly set the '${name}' claim`);
    claims[name] = value;
  };
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith(prefix.string)) claim(name.slice(prefix.string.length), value);
    else if (name.startsWith(prefix.number)) claim(name.slice(prefix.number.length), numberOf(name, value));
    else if (name.startsWith(prefix.list)) claim(name.slice(prefix.list.length), listOf(value));
  }
  const principal = options['unsecuredLoginPrincipalClaimName'] ?? 'sub';
  if (typeof claims[principal] !== 'string' || claims[principal] === '') {
    throw refuse(`It should name who logs in: ${prefix.string}${principal}="..."`);
  }
  const lifetime = options['unsecuredLoginLifetimeSeconds'];
  const issuedAt = Date.now();
  const expiresAt = issuedAt + 1000 * (lifetime === undefined ? 3600 : numberOf('unsecuredLoginLifetimeSeconds', lifetime));
  const payload = { iat: issuedAt / 1000, exp: expiresAt / 1000, ...claims };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return { value: `${part({ alg: 'none' })}.${part(payload)}.`, issuedAt, expiresAt, extensions: extensionsOf(module, prefix.extension) };
}

/** SASL extensions: the options whose name begins with a prefix. Throws ConfigException for one that RFC 7628 does not allow. */
export function extensionsOf({ options }: LoginModule, beginning: string): Readonly<Record<string, string>> {
  const extensions: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!name.startsWith(beginning)) continue;
    const key = name.slice(beginning.length);
    if (!/^[A-Za-z]+$/.test(key) || key === 'auth') throw refuse(`Extension name ${key} is invalid: it should be letters, and not auth`);
    if (!/^[\x21-\x7E \t\r\n]+$/.test(value)) throw refuse(`Extension value for ${key} is invalid`);
    extensions[key] = value;
  }
  return extensions;
}

function numberOf(name: string, value: string): number {
  const number = Number(value.trim());
  if (value.trim() === '' || !Number.isFinite(number)) throw refuse(`The value of ${name} is not a number`);
  return number;
}

// The first character is what separates the entries: ",a,b" or "|a|b".
function listOf(value: string): readonly string[] {
  if (value === '') return [];
  const entries = value.slice(1).split(value[0] as string);
  while (entries.length > 0 && entries.at(-1) === '') entries.pop();
  return entries;
}
