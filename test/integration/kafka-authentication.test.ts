import { createPrivateKey } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRetriable, javaClassOf, traceOf } from '../../shared/connect/errors.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { KafkaClientConfig, KafkaClients } from '../../shared/kafka/ports.ts';
import { authority, signedBy } from '../kit/certificates.ts';
import { alice, type ListenerName, type SecuredKafka, startSecuredKafka } from '../kit/secured-kafka.ts';
import { TokenEndpoint } from '../kit/token-endpoint.ts';

const oauth = { id: 'sluice', secret: 'oauth-s3cret' };
const tokens = new TokenEndpoint(oauth);
let kafka: SecuredKafka;
const lines: string[] = [];
const line = (message: string, fields?: Record<string, unknown>) => lines.push(`${message} ${JSON.stringify(fields)}`);
const logger = { trace: line, debug: line, info: line, warn: line, error: line };

beforeAll(async () => {
  await tokens.start();
  kafka = await startSecuredKafka(tokens);
}, 120_000);
afterAll(async () => {
  await kafka?.stop();
  await tokens.stop();
});

const module = (name: string, options: string) => `org.apache.kafka.common.security.${name} required ${options};`;
const password = `username="${alice.username}" password="${alice.password}"`;
const plain = (options = password) => ({ 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': module('plain.PlainLoginModule', options) });
const scram = (bits: 256 | 512, options = password) => ({
  'sasl.mechanism': `SCRAM-SHA-${bits}`,
  'sasl.jaas.config': module('scram.ScramLoginModule', options),
});
const bearer = (options: string) => ({ 'sasl.mechanism': 'OAUTHBEARER', 'sasl.jaas.config': module('oauthbearer.OAuthBearerLoginModule', options) });
const unsecured = bearer('unsecuredLoginStringClaim_sub="alice"');
const issued = (secret = oauth.secret) => ({
  ...bearer(`clientId="${oauth.id}" clientSecret="${secret}" scope="kafka"`),
  'sasl.oauthbearer.token.endpoint.url': tokens.tokenUrl,
  'sasl.login.callback.handler.class': 'org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler',
});
const authorityText = () => ({ 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': kafka.ca.cert });
const clientText = () => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.certificate.chain': kafka.client.cert,
  'ssl.keystore.key': kafka.client.key,
});

const opened: KafkaClients[] = [];
afterAll(() => Promise.all(opened.map((clients) => clients.close())));

function clientsOf(listener: ListenerName, protocol: string, config: KafkaClientConfig = {}): KafkaClients {
  const clients = createKafkaClients({ 'bootstrap.servers': kafka.listeners[listener], 'security.protocol': protocol, ...config }, logger);
  opened.push(clients);
  return clients;
}

let topics = 0;

async function createdTopic(clients: KafkaClients): Promise<string> {
  const topic = `authentication-${topics++}`;
  expect(await clients.admin().createTopic({ topic, partitions: 1, replicationFactor: 1 })).toBe(true);
  return topic;
}

const record = (topic: string, value: string) => ({ topic, partition: 0, key: null, value: Buffer.from(value), headers: [], timestamp: null });

/** Creates a topic, produces to it and reads it back. */
async function roundTrip(clients: KafkaClients): Promise<string[]> {
  const topic = await createdTopic(clients);
  const producer = clients.producer();
  const result = await producer.send([record(topic, 'one'), record(topic, 'two')]);
  expect([...result.errors.values()]).toEqual([]);
  const reader = clients.reader();
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const values: string[] = [];
  while (values.length < 2) for (const { records } of await reader.poll(1000)) for (const { value } of records) values.push(String(value));
  expect((await clients.admin().endOffsets([{ topic, partition: 0 }])).get(`${topic}-0`)).toBe(2n);
  return values;
}

describe('a client gets in', () => {
  const cases: [string, ListenerName, string, () => KafkaClientConfig | Promise<KafkaClientConfig>][] = [
    ['without anything by PLAINTEXT', 'PLAINTEXT', 'PLAINTEXT', () => ({})],
    ['with a certificate as text by SSL', 'SSL', 'SSL', () => ({ ...authorityText(), ...clientText() })],
    ['with a certificate in files by SSL', 'SSL', 'SSL', certificateFiles],
    ['with an encrypted key by SSL', 'SSL', 'SSL', encryptedKey],
    ['with a PKCS12 key store of Java by SSL', 'SSL', 'SSL', javaKeyStore],
    ['with TLS 1.2 and a cipher suite of Java’s names', 'SASL_SSL', 'SASL_SSL', () => ({ ...authorityText(), ...plain(), ...oldTls })],
    ['with PLAIN by SASL_PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => plain()],
    ['with SCRAM-SHA-256 by SASL_PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => scram(256)],
    ['with SCRAM-SHA-512 by SASL_PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => scram(512)],
    ['with an unsecured token by SASL_PLAINTEXT', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => unsecured],
    ['with PLAIN by SASL_SSL', 'SASL_SSL', 'SASL_SSL', () => ({ ...authorityText(), ...plain() })],
    ['with SCRAM-SHA-256 by SASL_SSL', 'SASL_SSL', 'SASL_SSL', () => ({ ...authorityText(), ...scram(256) })],
    ['with SCRAM-SHA-512 by SASL_SSL', 'SASL_SSL', 'SASL_SSL', () => ({ ...authorityText(), ...scram(512) })],
    ['with an unsecured token by SASL_SSL', 'SASL_SSL', 'SASL_SSL', () => ({ ...authorityText(), ...unsecured })],
    ['with a token of client credentials, checked by its issuer’s keys', 'JWT', 'SASL_SSL', () => ({ ...authorityText(), ...issued() })],
    ['with the keys for client credentials of Kafka 4', 'JWT', 'SASL_SSL', newerKeys],
    ['under a name that the certificate does not have, when names are not compared', 'SASL_SSL', 'SASL_SSL', anyName],
  ];
  it.each(cases)('%s', async (_, listener, protocol, config) => {
    expect(await roundTrip(clientsOf(listener, protocol, await config()))).toEqual(['one', 'two']);
  });

  const oldTls = { 'ssl.enabled.protocols': 'TLSv1.2', 'ssl.cipher.suites': 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384' };

  async function certificateFiles() {
    const [store, trusted] = [join(kafka.folder, 'client.pem'), join(kafka.folder, 'ca.pem')];
    await writeFile(store, kafka.client.key + kafka.client.cert);
    await writeFile(trusted, kafka.ca.cert);
    return { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': store, 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': trusted };
  }

  function encryptedKey() {
    const key = createPrivateKey(kafka.client.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'key-s3cret' });
    return { ...authorityText(), ...clientText(), 'ssl.keystore.key': String(key), 'ssl.key.password': 'key-s3cret' };
  }

  function javaKeyStore() {
    const { path, password } = kafka.keyStore;
    return { ...authorityText(), 'ssl.keystore.type': 'PKCS12', 'ssl.keystore.location': path, 'ssl.keystore.password': password };
  }

  function newerKeys() {
    return {
      ...authorityText(),
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': tokens.tokenUrl,
      'sasl.oauthbearer.client.credentials.client.id': oauth.id,
      'sasl.oauthbearer.client.credentials.client.secret': oauth.secret,
      'sasl.oauthbearer.scope': 'kafka',
    };
  }

  // The brokers' answer names localhost: only the first connection has another name.
  function anyName() {
    const address = kafka.listeners.SASL_SSL.replace('localhost', '127.0.0.1');
    return { ...authorityText(), ...plain(), 'bootstrap.servers': address, 'ssl.endpoint.identification.algorithm': '' };
  }
});

describe('a client that is not let in is told at once what to change, and no secret', () => {
  const cases: [string, ListenerName, string, () => KafkaClientConfig | Promise<KafkaClientConfig>, RegExp, string][] = [
    ['wrong password by PLAIN', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => plain(wrong), /Check username and password in sasl\.jaas\.config/, 'Sasl'],
    ['wrong password by SCRAM', 'SASL_PLAINTEXT', 'SASL_PLAINTEXT', () => scram(512, wrong), /Check username and password in sasl\.jaas\.config/, 'Sasl'],
    ['wrong authority', 'SASL_SSL', 'SASL_SSL', otherAuthority, /authority into ssl\.truststore\.certificates/, 'Ssl'],
    ['no authority', 'SASL_SSL', 'SASL_SSL', () => plain(), /authority into ssl\.truststore\.certificates/, 'Ssl'],
    ['no client certificate', 'SSL', 'SSL', authorityText, /set ssl\.keystore\.certificate\.chain and ssl\.keystore\.key/, 'Ssl'],
    ['strange client certificate', 'SSL', 'SSL', strangeCertificate, /set ssl\.keystore\.certificate\.chain and ssl\.keystore\.key/, 'Ssl'],
    ['another host name', 'SASL_SSL', 'SASL_SSL', otherName, /certificate is not for 127\.0\.0\.1: .*bootstrap\.servers.*ssl\.endpoint\.identification/, 'Ssl'],
    ['missing mechanism', 'ONLY_PLAIN', 'SASL_PLAINTEXT', () => scram(256), /does not have .* SCRAM-SHA-256; it has PLAIN\. Change sasl\.mechanism/, 'Sasl'],
    ['forged token', 'JWT', 'SASL_SSL', forgedToken, /refused the login by OAUTHBEARER: .*invalid_token.*sasl\.oauthbearer/, 'Sasl'],
    [
      'wrong client secret',
      'JWT',
      'SASL_SSL',
      () => ({ ...authorityText(), ...issued('wr0ng-s3cret') }),
      /HTTP status 401: invalid_client.*client id, secret and scope/,
      '',
    ],
    ['plain text where TLS is spoken', 'SSL', 'PLAINTEXT', () => ({}), /speaks TLS on this port: change security\.protocol/, 'Ssl'],
    ['SASL where there is none', 'PLAINTEXT', 'SASL_PLAINTEXT', () => plain(), /Change security\.protocol/, 'Sasl'],
  ];
  it.each(cases)('%s', async (_, listener, protocol, config, message, kind) => {
    const clients = clientsOf(listener, protocol, await config());
    lines.length = 0;
    const failures = await Promise.all([
      rejection(clients.admin().partitionCounts()),
      clients
        .producer()
        .send([record('any', 'x')])
        .then(({ errors }) => errors.get(0)),
      rejection(pollOnce(clients)),
    ]);
    for (const failure of failures) {
      expect((failure as Error).message).toMatch(message);
      expect(isRetriable(failure)).toBe(false);
      expect(javaClassOf(failure)).toMatch(kind === '' ? 'ConnectException' : `${kind}AuthenticationException`);
      expect(traceOf(failure)).not.toMatch(/s3cret|PRIVATE KEY|eyJ/);
    }
    expect(lines.join('\n')).not.toMatch(/s3cret|PRIVATE KEY|eyJ/);
  });

  const wrong = `username="${alice.username}" password="wr0ng-s3cret"`;

  async function otherAuthority() {
    return { ...plain(), 'ssl.truststore.certificates': (await authority('Somebody else')).cert };
  }

  async function strangeCertificate() {
    const { key, cert } = await signedBy(await authority('Somebody else'), 'client');
    return { ...authorityText(), 'ssl.keystore.certificate.chain': cert, 'ssl.keystore.key': key };
  }

  function otherName() {
    return { ...authorityText(), ...plain(), 'bootstrap.servers': kafka.listeners.SASL_SSL.replace('localhost', '127.0.0.1') };
  }

  afterEach(() => {
    tokens.forge = false;
  });

  function forgedToken() {
    tokens.forge = true;
    return { ...authorityText(), ...issued() };
  }

  async function pollOnce(clients: KafkaClients) {
    const reader = clients.reader();
    reader.assign([{ topic: 'any', partition: 0, offset: 0n }]);
    for (;;) await reader.poll(10_000);
  }

  const rejection = (promise: Promise<unknown>) =>
    promise.then(
      () => new Error('was let in'),
      (error: unknown) => error,
    );
});

it('says that security.protocol may be wrong when the broker only hangs up', async () => {
  const config = { 'sluice.retry.timeout.ms': '200' };
  await expect(clientsOf('SASL_PLAINTEXT', 'PLAINTEXT', config).admin().clusterId()).rejects.toThrow(/Check security\.protocol: the port may be one for SASL/);
  await expect(clientsOf('PLAINTEXT', 'SSL', config).admin().clusterId()).rejects.toThrow(/Check security\.protocol: the port may not speak TLS/);
});

it('lets a connector in under a name of its own, whatever the worker’s is', async () => {
  const clients = clientsOf('SASL_PLAINTEXT', 'SASL_PLAINTEXT', plain(`username="worker" password="wr0ng-s3cret"`));
  const overrides = scram(256);
  const topic = `authentication-${topics++}`;
  expect(await clients.admin(overrides).createTopic({ topic, partitions: 1, replicationFactor: 1 })).toBe(true);
  expect((await clients.producer({ clientId: 'producer' }, overrides).send([record(topic, 'mine')])).acknowledged).toBe(1);
  const reader = clients.reader({ clientId: 'reader' }, overrides);
  reader.assign([{ topic, partition: 0, offset: 0n }]);
  const values: string[] = [];
  while (values.length < 1) for (const { records } of await reader.poll(1000)) for (const { value } of records) values.push(String(value));
  expect(values).toEqual(['mine']);
  await expect(clients.admin().clusterId()).rejects.toThrow('refused the login by PLAIN');
});

it('looks up a password again that was changed in its config provider', async () => {
  let current = alice.password as string;
  const resolve = async (config: KafkaClientConfig) => ({
    ...config,
    'sasl.jaas.config': String(config['sasl.jaas.config']).replace('${vault:alice}', current),
  });
  const config = {
    'bootstrap.servers': kafka.listeners.SASL_PLAINTEXT,
    'security.protocol': 'SASL_PLAINTEXT',
    ...scram(256, `username="${alice.username}" password="\${vault:alice}"`),
  };
  const clients = createKafkaClients(config, logger, resolve);
  opened.push(clients);
  current = 'old-s3cret';
  await expect(clients.admin().clusterId()).rejects.toThrow('refused the login by SCRAM-SHA-256');
  current = alice.password;
  expect(await roundTrip(clients)).toEqual(['one', 'two']);
});

it('asks for one token for all connections of a process', async () => {
  const before = tokens.given;
  const clients = clientsOf('JWT', 'SASL_SSL', { ...authorityText(), ...issued() });
  await roundTrip(clients);
  expect(tokens.given - before).toBe(1);
  expect(tokens.lastForm.get('scope')).toBe('kafka');
});

it('waits for a token endpoint that is out of order for a while', async () => {
  tokens.failWith = 503;
  const clients = clientsOf('JWT', 'SASL_SSL', { ...authorityText(), ...issued(), 'sluice.retry.timeout.ms': '300' });
  const failure = await clients
    .admin()
    .clusterId()
    .catch((error: unknown) => error);
  expect(isRetriable(failure)).toBe(true);
  expect((failure as Error).message).toMatch(/token endpoint .* HTTP status 503/);
  tokens.failWith = undefined;
  expect(await clients.admin().clusterId()).not.toBe('');
});

describe('a connection that has to log in again and again (KIP-368)', () => {
  const logins: (() => KafkaClientConfig)[] = [
    () => plain(),
    () => scram(512),
    () => bearer('unsecuredLoginStringClaim_sub="alice" unsecuredLoginLifetimeSeconds="5"'),
  ];

  async function goOn(config: KafkaClientConfig, forMs: number): Promise<{ sent: number; read: string[] }> {
    const clients = clientsOf('REAUTH', 'SASL_PLAINTEXT', config);
    const topic = await createdTopic(clients);
    const producer = clients.producer();
    const reader = clients.reader();
    reader.assign([{ topic, partition: 0, offset: 0n }]);
    const read: string[] = [];
    let sent = 0;
    const poll = async (ms: number) => {
      for (const { records } of await reader.poll(ms)) for (const { value } of records) read.push(String(value));
    };
    for (const end = Date.now() + forMs; Date.now() < end; ) {
      // Two at once: none may overtake the other while both wait for a login.
      const results = await Promise.all([producer.send([record(topic, `${sent++}`)]), producer.send([record(topic, `${sent++}`)])]);
      for (const { errors } of results) expect([...errors.values()]).toEqual([]);
      await poll(20);
    }
    while (read.length < sent) await poll(1000);
    return { sent, read };
  }

  it('carries producers and readers over it, without another connection', async () => {
    let sockets = 0;
    const count = () => sockets++;
    subscribe('net.client.socket', count);
    try {
      const atFirst = new Promise<number>((resolve) => setTimeout(() => resolve(sockets), 1500));
      // Sessions end after 2.5 s.
      const all = await Promise.all(logins.map((config) => goOn(config(), 8000)));
      for (const { sent, read } of all) expect(read).toEqual(Array.from({ length: sent }, (_, index) => `${index}`));
      expect(sockets).toBe(await atFirst);
      expect(sockets).toBeGreaterThan(0);
    } finally {
      unsubscribe('net.client.socket', count);
    }
  });

  it('logs in again after its session has ended in silence', async () => {
    const clients = clientsOf('REAUTH', 'SASL_PLAINTEXT', scram(256));
    const admin = clients.admin();
    const before = await admin.partitionCounts();
    await new Promise((resolve) => setTimeout(resolve, 3500));
    expect((await admin.partitionCounts()).size).toBeGreaterThanOrEqual(before.size);
  });
});
