import { createPrivateKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sslOptions } from '../../../shared/kafka/security/ssl-options.ts';
import { authority, type Certificate, signedBy } from '../../kit/certificates.ts';

let folder: string;
let ca: Certificate;
let client: Certificate;
let other: Certificate;
let server: tls.Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-ssl-'));
  ca = await authority('ca');
  [client, other] = await Promise.all([signedBy(ca, 'client'), signedBy(ca, 'other')]);
  const { key, cert } = await signedBy(ca, 'server', ['localhost']);
  server = tls.createServer({ key, cert, ca: ca.cert, requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => {});
    socket.end(`${socket.getProtocol()} ${socket.getPeerCertificate().subject.CN}`);
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** What the server says of the connection. */
function greeting(config: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', ...sslOptions(config) });
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}

const keyStore = () => ({ 'ssl.keystore.certificate.chain': client.cert, 'ssl.keystore.key': client.key });
const trustStore = () => ({ 'ssl.truststore.certificates': ca.cert });

describe('TLS', () => {
  it('trusts the authority that is given, and shows the client’s certificate', async () => {
    expect(await greeting({ ...trustStore(), ...keyStore() })).toBe('TLSv1.3 client');
    await expect(greeting(keyStore())).rejects.toThrow('self-signed certificate in certificate chain');
  });

  it('takes PEM text whose line breaks a properties file could not hold', async () => {
    const lost = (pem: string) => pem.trim().replaceAll('\n', ' ');
    const written = (pem: string) => pem.trim().replaceAll('\n', '\\n');
    expect(
      await greeting({
        'ssl.truststore.certificates': lost(ca.cert),
        'ssl.keystore.certificate.chain': written(client.cert),
        'ssl.keystore.key': lost(client.key),
      }),
    ).toBe('TLSv1.3 client');
  });

  it('trusts each of several authorities', async () => {
    const both = `${(await authority('another')).cert}\n${ca.cert}`;
    expect(await greeting({ 'ssl.truststore.certificates': both, ...keyStore() })).toBe('TLSv1.3 client');
  });

  it('keeps to the protocols and cipher suites that are allowed', async () => {
    const allowed = { 'ssl.enabled.protocols': 'TLSv1.2', 'ssl.cipher.suites': 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' };
    expect(await greeting({ ...trustStore(), ...keyStore(), ...allowed })).toBe('TLSv1.2 client');
  });

  it('compares the host name unless that is switched off', () => {
    expect(sslOptions({ 'ssl.endpoint.identification.algorithm': 'HTTPS' }).checkServerIdentity).toBeUndefined();
    expect(sslOptions({ 'ssl.endpoint.identification.algorithm': '' }).checkServerIdentity?.('any', {} as tls.PeerCertificate)).toBeUndefined();
  });
});

describe('TLS configuration is refused naming the key', () => {
  const encrypted = () => String(createPrivateKey(client.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hunter2' }));

  const cases: [string, () => Record<string, string>, string][] = [
    [
      'trust store in Java’s format',
      () => ({ 'ssl.truststore.location': '/a.jks' }),
      'Invalid value JKS for configuration ssl.truststore.type: A Java key store',
    ],
    ['trust store in PKCS12', () => ({ 'ssl.truststore.location': '/a', 'ssl.truststore.type': 'PKCS12' }), 'set ssl.truststore.type=PEM'],
    ['trust store twice', () => ({ 'ssl.truststore.location': '/a', ...trustStore() }), 'Both SSL trust store location and separate trust certificates'],
    ['PEM under another type', () => ({ ...trustStore(), 'ssl.truststore.type': 'JKS' }), 'ssl.truststore.certificates are PEM text: set it to PEM'],
    ['trust store with a password', () => ({ ...trustStore(), 'ssl.truststore.password': 'hunter2' }), 'SSL trust store password cannot be specified for PEM'],
    [
      'file that is missing',
      () => ({ 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': '/nowhere.pem' }),
      'ssl.truststore.location: The file cannot be read (ENOENT)',
    ],
    ['no PEM', () => ({ 'ssl.truststore.certificates': 'hunter2' }), 'configuration ssl.truststore.certificates: It should be PEM text'],
    ['damaged PEM', () => ({ 'ssl.truststore.certificates': ca.cert.replace(/\n\w{8}/, '\nAAAAAAAA') }), 'A certificate in it cannot be read'],
    ['key store in Java’s format', () => ({ 'ssl.keystore.location': '/a.jks' }), 'Invalid value JKS for configuration ssl.keystore.type'],
    ['key store twice', () => ({ 'ssl.keystore.location': '/a', ...keyStore() }), 'Both SSL key store location and separate private key'],
    ['key without certificate', () => ({ 'ssl.keystore.key': client.key }), 'ssl.keystore.certificate.chain is missing'],
    ['certificate without key', () => ({ 'ssl.keystore.certificate.chain': client.cert }), 'ssl.keystore.key is missing'],
    ['key store password with PEM', () => ({ ...keyStore(), 'ssl.keystore.password': 'hunter2' }), 'use ssl.key.password instead of ssl.keystore.password'],
    [
      'key of another',
      () => ({ ...keyStore(), 'ssl.keystore.key': other.key }),
      'It is not the private key of the first certificate in ssl.keystore.certificate.chain',
    ],
    ['encrypted key without password', () => ({ ...keyStore(), 'ssl.keystore.key': encrypted() }), 'ssl.key.password does not open it'],
    ['wrong key password', () => ({ ...keyStore(), 'ssl.keystore.key': encrypted(), 'ssl.key.password': 'hunter3' }), 'ssl.key.password does not open it'],
    ['protocol', () => ({ 'ssl.enabled.protocols': 'SSLv3' }), 'Invalid value SSLv3 for configuration ssl.enabled.protocols'],
    ['cipher suite', () => ({ 'ssl.cipher.suites': 'TLS_WITH_NOTHING' }), 'Invalid value TLS_WITH_NOTHING for configuration ssl.cipher.suites'],
    ['way to compare names', () => ({ 'ssl.endpoint.identification.algorithm': 'LDAPS' }), 'It should be https, or empty'],
    ['engine', () => ({ 'ssl.engine.factory.class': 'com.example.Factory' }), 'configuration ssl.engine.factory.class: Java classes cannot be used'],
  ];
  it.each(cases)('%s', (_, config, message) => {
    const refused = () => sslOptions(config());
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/hunter|PRIVATE KEY-----\n/);
  });

  it('key store in PKCS12 that cannot be opened', async () => {
    const path = join(folder, 'store.p12');
    await writeFile(path, 'no key store');
    const config = { 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': path, 'ssl.keystore.password': 'hunter2' };
    expect(() => sslOptions(config)).toThrow(/^The key store of ssl\.keystore\.location cannot be opened .*Check ssl\.keystore\.password/);
  });

  it('key store in PEM without a key', async () => {
    const path = join(folder, 'cert.pem');
    await writeFile(path, client.cert);
    const config = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': path };
    expect(() => sslOptions(config)).toThrow('ssl.keystore.location: It should have a private key in PEM');
  });
});
