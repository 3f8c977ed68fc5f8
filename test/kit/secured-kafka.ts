import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideArtifacts } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { findJava } from '../../infra/local/services/java.ts';
import { startKafka } from '../../infra/local/services/kafka.ts';
import { removeFolder } from '../../infra/local/services/service-process.ts';
import { authority, type Certificate, pkcs12KeyStore, signedBy } from './certificates.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

/** Listeners by name, and what each speaks. */
const protocols = {
  PLAINTEXT: 'PLAINTEXT',
  SSL: 'SSL',
  SASL_PLAINTEXT: 'SASL_PLAINTEXT',
  SASL_SSL: 'SASL_SSL',
  /** Tokens are checked as in production: by the keys of their issuer. */
  JWT: 'SASL_SSL',
  ONLY_PLAIN: 'SASL_PLAINTEXT',
  /** Wants a new login every few seconds. */
  REAUTH: 'SASL_PLAINTEXT',
} as const;

export type ListenerName = keyof typeof protocols;

export const alice = { username: 'alice', password: 'alice-s3cret' } as const;

export interface SecuredKafka {
  /** `localhost:port` of a listener. The certificate is for localhost, and for nothing else. */
  readonly listeners: Readonly<Record<ListenerName, string>>;
  readonly folder: string;
  readonly ca: Certificate;
  /** A client that the listener SSL knows, which wants a certificate. */
  readonly client: Certificate;
  /** The same right, in a key store that Java made. */
  readonly keyStore: { readonly path: string; readonly password: string };
  stop(): Promise<void>;
}

const module = (name: string, rest = '') => `org.apache.kafka.common.security.${name} required${rest};`;

/** A real broker with a listener for each way to log in, and the user alice. */
export async function startSecuredKafka(tokens: TokenEndpoint): Promise<SecuredKafka> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-secured-kafka-'));
  await chmod(folder, 0o755);
  try {
    const [java, jars, ca] = await Promise.all([findJava(), provideArtifacts('kafka', () => {}), authority('Authority of the test')]);
    const names = Object.keys(protocols) as ListenerName[];
    const [ports, server, client, keyStore] = await Promise.all([
      freePorts(['kafkaController', ...names]),
      signedBy(ca, 'broker', ['localhost']),
      signedBy(ca, 'client'),
      pkcs12KeyStore(java, folder, 'java-client', 'store-s3cret'),
    ]);
    await writeFile(join(folder, 'broker.pem'), server.key + server.cert);
    await writeFile(join(folder, 'trusted.pem'), `${ca.cert}\n${keyStore.cert}`);
    const all = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER';
    const sasl = (listener: string, mechanisms = all) => ({
      [`listener.name.${listener}.sasl.enabled.mechanisms`]: mechanisms,
      [`listener.name.${listener}.plain.sasl.jaas.config`]: module('plain.PlainLoginModule', ` user_${alice.username}="${alice.password}"`),
      [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: module('scram.ScramLoginModule'),
      [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: module('scram.ScramLoginModule'),
      [`listener.name.${listener}.oauthbearer.sasl.jaas.config`]: module('oauthbearer.OAuthBearerLoginModule', ' unsecuredLoginStringClaim_sub="broker"'),
    });
    const reauthentication = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'].map((mechanism) => [
      `listener.name.reauth.${mechanism}.connections.max.reauth.ms`,
      '2500',
    ]);
    const kafka = await startKafka({
      java,
      jars,
      dataDir: join(folder, 'data'),
      logFile: join(folder, 'kafka.log'),
      ports: { kafka: ports.PLAINTEXT, kafkaController: ports.kafkaController },
      scram: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[name=${alice.username},password=${alice.password}]`),
      javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.jwksUrl}`],
      properties: {
        listeners: [...names.map((name) => `${name}://127.0.0.1:${ports[name]}`), `CONTROLLER://127.0.0.1:${ports.kafkaController}`].join(','),
        'advertised.listeners': names.map((name) => `${name}://localhost:${ports[name]}`).join(','),
        'listener.security.protocol.map': [...Object.entries(protocols).map(([name, protocol]) => `${name}:${protocol}`), 'CONTROLLER:PLAINTEXT'].join(','),
        'inter.broker.listener.name': 'PLAINTEXT',
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.location': join(folder, 'broker.pem'),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': join(folder, 'trusted.pem'),
        'listener.name.ssl.ssl.client.auth': 'required',
        ...sasl('sasl_plaintext'),
        ...sasl('sasl_ssl'),
        ...sasl('reauth'),
        ...sasl('only_plain', 'PLAIN'),
        ...Object.fromEntries(reauthentication),
        'listener.name.jwt.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.jwt.oauthbearer.sasl.jaas.config': module('oauthbearer.OAuthBearerLoginModule'),
        'listener.name.jwt.oauthbearer.sasl.server.callback.handler.class': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler',
        'sasl.oauthbearer.jwks.endpoint.url': tokens.jwksUrl,
        'sasl.oauthbearer.expected.issuer': tokens.issuer,
        'sasl.oauthbearer.expected.audience': tokens.audience,
      },
    });
    return {
      listeners: Object.fromEntries(names.map((name) => [name, `localhost:${ports[name]}`])) as Record<ListenerName, string>,
      folder,
      ca,
      client,
      keyStore: { path: keyStore.path, password: 'store-s3cret' },
      async stop() {
        await kafka.stop();
        await removeFolder(folder);
      },
    };
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
