import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { ConfigException } from '../../connect/errors.ts';
import { list, nonEmptyText, text } from '../config-values.ts';
import type { KafkaClientConfig } from '../ports.ts';

/**
 * TLS as Kafka's `ssl.*` keys say: whom to trust (without a trust store, the authorities that Node brings), the
 * client's certificate, versions and ciphers, and whether the certificate must name the host. Key stores are PEM, as
 * text or as files, and PKCS12 for the client's key. Throws ConfigException that names the key.
 */
export function sslOptions(config: KafkaClientConfig): ConnectionOptions {
  if (nonEmptyText(config, 'ssl.engine.factory.class')) {
    throw ConfigException.forValue('ssl.engine.factory.class', config['ssl.engine.factory.class'], 'Java classes cannot be used here: leave it out');
  }
  const options: ConnectionOptions = { secureContext: secureContext({ ...trustStore(config), ...keyStore(config), ...versions(config), ...ciphers(config) }) };
  // Empty: the name in the certificate need not be the host's.
  const algorithm = text(config, 'ssl.endpoint.identification.algorithm');
  if (algorithm === '') options.checkServerIdentity = () => undefined;
  else if (algorithm !== undefined && algorithm.toLowerCase() !== 'https') {
    throw ConfigException.forValue('ssl.endpoint.identification.algorithm', algorithm, 'It should be https, or empty to accept any host name');
  }
  return options;
}

function secureContext(options: SecureContextOptions): ConnectionOptions['secureContext'] {
  try {
    return createSecureContext(options);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'ERR_SSL_NO_CIPHER_MATCH') {
      throw ConfigException.forValue('ssl.cipher.suites', options.ciphers?.replaceAll(':', ','), 'None of these cipher suites is known');
    }
    if (options.pfx) {
      throw new ConfigException(
        `The key store of ssl.keystore.location cannot be opened (${(error as Error).message}). Check ssl.keystore.password, and that the file is a PKCS12 key store with a private key.`,
      );
    }
    throw new ConfigException(`TLS cannot be set up with the ssl.* configurations: ${(error as Error).message}`);
  }
}

function trustStore(config: KafkaClientConfig): SecureContextOptions {
  const location = nonEmptyText(config, 'ssl.truststore.location');
  const given = nonEmptyText(config, 'ssl.truststore.certificates');
  if (!location && !given) return {};
  if (location && given) {
    throw new ConfigException(
      'Both SSL trust store location and separate trust certificates are specified: leave out ssl.truststore.location or ssl.truststore.certificates.',
    );
  }
  const type = storeType(config, 'ssl.truststore.type', location ? 'JKS' : 'PEM');
  if (type !== 'PEM') {
    throw ConfigException.forValue(
      'ssl.truststore.type',
      type,
      given
        ? 'ssl.truststore.certificates are PEM text: set it to PEM'
        : 'A Java key store cannot be read here. Print its certificates as PEM (keytool -list -rfc -keystore FILE), and set ssl.truststore.type=PEM with that file, or put the text into ssl.truststore.certificates',
    );
  }
  if (nonEmptyText(config, 'ssl.truststore.password')) {
    throw new ConfigException('SSL trust store password cannot be specified for PEM format: leave out ssl.truststore.password.');
  }
  const key = location ? 'ssl.truststore.location' : 'ssl.truststore.certificates';
  return { ca: certificates(key, location ? readPem(key, location) : (given as string)) };
}

function keyStore(config: KafkaClientConfig): SecureContextOptions {
  const location = nonEmptyText(config, 'ssl.keystore.location');
  const chain = nonEmptyText(config, 'ssl.keystore.certificate.chain');
  const key = nonEmptyText(config, 'ssl.keystore.key');
  if (!location && !chain && !key) return {};
  if (location && (chain || key)) {
    throw new ConfigException(
      'Both SSL key store location and separate private key are specified: leave out ssl.keystore.location, or ssl.keystore.key and ssl.keystore.certificate.chain.',
    );
  }
  const type = storeType(config, 'ssl.keystore.type', location ? 'JKS' : 'PEM');
  const password = text(config, 'ssl.keystore.password');
  if (location && type === 'PKCS12') return { pfx: readStore('ssl.keystore.location', location), passphrase: password ?? '' };
  if (type !== 'PEM') {
    throw ConfigException.forValue(
      'ssl.keystore.type',
      type,
      location
        ? 'A Java key store cannot be read here. Make it PKCS12 (keytool -importkeystore -deststoretype PKCS12) with ssl.keystore.type=PKCS12, or PEM with ssl.keystore.type=PEM'
        : 'ssl.keystore.certificate.chain and ssl.keystore.key are PEM text: set it to PEM',
    );
  }
  if (password) {
    throw new ConfigException(
      'SSL key store password cannot be specified with PEM format, only key password may be specified: use ssl.key.password instead of ssl.keystore.password.',
    );
  }
  const passphrase = text(config, 'ssl.key.password');
  if (location) {
    const pem = readPem('ssl.keystore.location', location);
    return keyPair('ssl.keystore.location', pem, 'ssl.keystore.location', pem, passphrase);
  }
  if (!chain) throw new ConfigException('SSL private key is specified, but certificate chain is not specified: ssl.keystore.certificate.chain is missing.');
  if (!key) throw new ConfigException('SSL certificate chain is specified, but private key is not specified: ssl.keystore.key is missing.');
  return keyPair('ssl.keystore.certificate.chain', chain, 'ssl.keystore.key', key, passphrase);
}

function keyPair(chainKey: string, chain: string, keyKey: string, key: string, passphrase: string | undefined): SecureContextOptions {
  const certs = certificates(chainKey, chain);
  const block = blocks(key).find((each) => each.includes('PRIVATE KEY-----'));
  if (!block) throw hidden(keyKey, 'It should have a private key in PEM, beginning with -----BEGIN PRIVATE KEY----- or -----BEGIN ENCRYPTED PRIVATE KEY-----');
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: block, passphrase: passphrase || undefined });
  } catch {
    const encrypted = block.includes('ENCRYPTED');
    throw hidden(keyKey, encrypted ? 'The private key is encrypted, and ssl.key.password does not open it' : 'The private key cannot be read');
  }
  const leaf = new X509Certificate(certs[0] as string);
  if (!leaf.checkPrivateKey(privateKey)) throw hidden(keyKey, `It is not the private key of the first certificate in ${chainKey}`);
  // Decrypted once here, so that connections need no passphrase.
  return { cert: certs.join(''), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

const protocols: readonly string[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

function versions(config: KafkaClientConfig): SecureContextOptions {
  const enabled = list(config, 'ssl.enabled.protocols');
  if (!enabled || enabled.length === 0) return {};
  for (const protocol of enabled) {
    if (!protocols.includes(protocol)) throw ConfigException.forValue('ssl.enabled.protocols', protocol, `It should be among ${protocols.join(', ')}`);
  }
  const sorted = [...enabled].sort() as SecureVersion[];
  return { minVersion: sorted[0], maxVersion: sorted.at(-1) };
}

// OpenSSL knows the names that Java uses.
function ciphers(config: KafkaClientConfig): SecureContextOptions {
  const suites = list(config, 'ssl.cipher.suites');
  return suites && suites.length > 0 ? { ciphers: suites.join(':') } : {};
}

function storeType(config: KafkaClientConfig, key: string, fallback: string): string {
  const type = (nonEmptyText(config, key) ?? fallback).toUpperCase();
  return type === 'P12' || type === 'PFX' ? 'PKCS12' : type;
}

function readStore(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw ConfigException.forValue(
      key,
      path,
      `The file cannot be read (${(error as NodeJS.ErrnoException).code}). A function has the files of its deployment only`,
    );
  }
}

const readPem = (key: string, path: string): string => readStore(key, path).toString('utf8');

function certificates(key: string, pem: string): string[] {
  const found = blocks(pem).filter((block) => block.includes('CERTIFICATE-----'));
  if (found.length === 0) throw hidden(key, 'It should be PEM text, beginning with -----BEGIN CERTIFICATE-----');
  for (const block of found) {
    try {
      new X509Certificate(block);
    } catch {
      throw hidden(key, 'A certificate in it cannot be read: it should be PEM text');
    }
  }
  return found;
}

// Properties files hold PEM text with its line breaks as \n, or without any.
function blocks(pem: string): string[] {
  const found = pem.replaceAll('\\n', '\n').matchAll(/(-----BEGIN [^-]+-----)\s*([^-]+?)\s*(-----END [^-]+-----)/g);
  return Array.from(found, ([, begin, body, end]) => {
    const lines = (body as string).includes(':') ? [body] : ((body as string).replace(/\s+/g, '').match(/.{1,64}/g) ?? []);
    return `${begin}\n${lines.join('\n')}\n${end}\n`;
  });
}

function hidden(key: string, why: string): ConfigException {
  return new ConfigException(`Invalid value [hidden] for configuration ${key}: ${why}`);
}
