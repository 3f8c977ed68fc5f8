import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigException } from '../../../connect/index.ts';

const prefix = 'schema.registry.';

/**
 * TLS towards the registry as its `schema.registry.ssl.*` keys say. Stores are PEM, as text or as files, and PKCS12 for the
 * client's own key. Without a trust store the authorities that Node brings are trusted. Throws ConfigException.
 */
export function tlsOptions(config: Readonly<Record<string, string | undefined>>): ConnectionOptions {
  const get = (name: string): string | undefined => config[prefix + name] || config[name] || undefined;
  const options: ConnectionOptions = { secureContext: context({ ...trustStore(get), ...keyStore(get) }) };
  if ((config[`${prefix}ssl.endpoint.identification.algorithm`] ?? config['ssl.endpoint.identification.algorithm']) === '') {
    options.checkServerIdentity = () => undefined;
  }
  return options;
}

type Get = (name: string) => string | undefined;

function trustStore(get: Get): SecureContextOptions {
  const location = get('ssl.truststore.location');
  const text = get('ssl.truststore.certificates');
  if (!location && !text) return {};
  if ((get('ssl.truststore.type') ?? (location ? 'JKS' : 'PEM')).toUpperCase() !== 'PEM') throw refuse('ssl.truststore.type', 'trust stores must be PEM here');
  return { ca: text ? pem(text) : read('ssl.truststore.location', location as string).toString('utf8') };
}

function keyStore(get: Get): SecureContextOptions {
  const location = get('ssl.keystore.location');
  const chain = get('ssl.keystore.certificate.chain');
  const key = get('ssl.keystore.key');
  if (!location && !chain && !key) return {};
  const type = (get('ssl.keystore.type') ?? (location ? 'JKS' : 'PEM')).toUpperCase();
  const passphrase = get('ssl.key.password');
  if (location && type === 'PKCS12') return { pfx: read('ssl.keystore.location', location), passphrase: get('ssl.keystore.password') ?? '' };
  if (type !== 'PEM') throw refuse('ssl.keystore.type', 'key stores must be PEM or PKCS12 here');
  if (location) {
    const both = read('ssl.keystore.location', location).toString('utf8');
    return { cert: both, key: both, passphrase };
  }
  if (!chain || !key) throw refuse(chain ? 'ssl.keystore.key' : 'ssl.keystore.certificate.chain', 'certificate and key are needed, one is missing');
  return { cert: pem(chain), key: pem(key), passphrase };
}

function context(options: SecureContextOptions): ConnectionOptions['secureContext'] {
  try {
    return createSecureContext(options);
  } catch (error) {
    throw new ConfigException(`TLS cannot be set up with the ${prefix}ssl.* configurations: ${(error as Error).message}`);
  }
}

// Properties files hold PEM text with its line breaks as \n.
const pem = (text: string): string => text.replaceAll('\\n', '\n');

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw refuse(name, `The file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function refuse(name: string, why: string): ConfigException {
  return new ConfigException(`Invalid value for configuration ${prefix}${name}: ${why}`);
}
