import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generate } from 'selfsigned';

/** A private key (PKCS #8) and its certificate, as PEM text. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** A certificate authority of its own. */
export async function authority(name: string): Promise<Certificate> {
  return made(name, {
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
}

/** A certificate for servers under DNS names, or for a client, signed by an authority. With `passphrase` its key is encrypted. */
export async function signedBy(ca: Certificate, name: string, dnsNames: readonly string[] = [], passphrase?: string): Promise<Certificate> {
  return made(name, {
    ca,
    passphrase,
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      ...(dnsNames.length > 0 ? [{ name: 'subjectAltName' as const, altNames: dnsNames.map((value) => ({ type: 2 as const, value })) }] : []),
    ],
  });
}

async function made(name: string, options: Parameters<typeof generate>[1]): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], { keyType: 'ec', algorithm: 'sha256', ...options });
  return { key, cert };
}

/** A PKCS12 key store as Java makes it, in a folder: a key with a certificate that it signed itself. */
export async function pkcs12KeyStore(java: string, folder: string, name: string, password: string): Promise<{ path: string; cert: string }> {
  const path = join(folder, `${name}.p12`);
  // Java's own tool, by its class: it need not be on the PATH.
  const keytool = (...args: string[]) =>
    promisify(execFile)(java, ['-m', 'java.base/sun.security.tools.keytool.Main', ...args, '-alias', name, '-keystore', path, '-storepass', password]);
  await keytool('-genkeypair', '-keyalg', 'EC', '-groupname', 'secp256r1', '-storetype', 'PKCS12', '-dname', `CN=${name}`, '-validity', '30');
  const pem = join(folder, `${name}.pem`);
  await keytool('-exportcert', '-rfc', '-file', pem);
  return { path, cert: await readFile(pem, 'utf8') };
}
