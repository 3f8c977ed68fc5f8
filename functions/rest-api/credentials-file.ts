import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { getProperties } from 'properties-file';
import { ConfigException } from '../../shared/connect/errors.ts';

interface Credentials {
  readonly stamp: string;
  readonly users: ReadonlyMap<string, Buffer>;
  /** Of the first user: for requests of our own. */
  readonly authorization: string;
}

/**
 * Users and passwords of basic authentication, in a properties file (`alice: secret`), as Kafka Connect's PropertyFileLoginModule reads it.
 * A file that changes counts from the next request on; while it is wrong, what it was before.
 */
export class CredentialsFile {
  readonly #path: string;
  #credentials: Credentials;

  /** Throws ConfigException when it cannot be read, is no properties file, or is empty: in Kafka Connect an empty one lets everybody in. Nothing of it is quoted. */
  constructor(path: string) {
    this.#path = path;
    this.#credentials = read(path, stampOf(path));
  }

  /** Whether the header `Authorization` names a user and the password. Takes as long whoever it is. */
  allows(authorization: string | undefined): boolean {
    const given = /^basic ([A-Za-z0-9+/]+={0,2})\s*$/i.exec(authorization ?? '')?.[1];
    const text = Buffer.from(given ?? '', 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const expected = this.#current().users.get(colon < 0 ? '' : text.slice(0, colon));
    const equal = timingSafeEqual(expected ?? digest(''), digest(text.slice(colon + 1)));
    return equal && colon >= 0 && expected !== undefined;
  }

  /** A header `Authorization` that is allowed. */
  authorization(): string {
    return this.#current().authorization;
  }

  #current(): Credentials {
    try {
      const stamp = stampOf(this.#path);
      if (stamp !== this.#credentials.stamp) this.#credentials = read(this.#path, stamp);
    } catch {
      // Somebody is writing it.
    }
    return this.#credentials;
  }
}

function stampOf(path: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function read(path: string, stamp: string): Credentials {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  let properties: Readonly<Record<string, string>>;
  try {
    properties = getProperties(text);
  } catch {
    // The parser's message may quote a password.
    throw new ConfigException(`The credentials file ${path} is not a properties file: expected lines such as alice: PASSWORD`);
  }
  const [first, ...others] = Object.entries(properties);
  if (!first) throw new ConfigException(`The credentials file ${path} is empty: expected a line such as alice: PASSWORD for each user`);
  return {
    stamp,
    users: new Map([first, ...others].map(([user, password]) => [user, digest(password)])),
    authorization: `Basic ${Buffer.from(`${first[0]}:${first[1]}`).toString('base64')}`,
  };
}

function unreadable(path: string, cause: unknown): ConfigException {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = { ENOENT: 'there is no such file', EACCES: 'permission is denied', EISDIR: 'it is a folder' }[code ?? ''] ?? message;
  return new ConfigException(`The credentials file ${path} cannot be read: ${why}`);
}

/** Of one length for all, as a comparison in constant time wants it. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
