import { brokerError, errorCode, SaslAuthenticationException } from '../kafka-errors.ts';
import {
  type ApiVersions,
  apiKeys,
  type KafkajsLogger,
  loginByScram,
  negotiate,
  type ProtocolRequest,
  requests,
  type ScramMessage,
} from '../kafkajs-internals.ts';
import type { BearerToken } from './bearer-tokens.ts';
import type { SaslSettings } from './sasl-options.ts';

/** A connection that is to be logged in. */
export interface LoginConnection {
  readonly host: string;
  readonly port: number;
  readonly logger: KafkajsLogger;
  send<Response>(request: ProtocolRequest<Response>): Promise<Response>;
}

interface Handshake {
  readonly errorCode: number;
  readonly enabledMechanisms: readonly string[];
}

interface Authentication {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** With its length before it. */
  readonly authBytes: Buffer;
  readonly sessionLifetimeMs?: string;
}

/**
 * Logs in, or in again (KIP-368). Resolves to the milliseconds after which the broker wants it again; 0: never.
 * Rejects with SaslAuthenticationException when it will never work, and as `send` does.
 */
export async function saslLogin(connection: LoginConnection, versions: ApiVersions, sasl: SaslSettings): Promise<number> {
  const broker = `Kafka broker ${connection.host}:${connection.port}`;
  // A login that needs a token first gets it, so that the broker does not wait.
  const token = sasl.mechanism === 'OAUTHBEARER' ? await sasl.tokens() : undefined;
  await handshake(connection, versions, sasl, broker);
  let sessionMs = 0;
  const exchange = async (message: Buffer): Promise<Buffer> => {
    const answer = await ask<Authentication>(connection, versions, 'SaslAuthenticate', { authBytes: message });
    if (answer.errorCode !== 0) throw refused(broker, sasl, answer.errorCode, answer.errorMessage);
    sessionMs = Number(answer.sessionLifetimeMs ?? 0);
    return answer.authBytes;
  };
  if (sasl.mechanism === 'OAUTHBEARER') await loginByToken(token as BearerToken, exchange, broker, sasl);
  else if (sasl.mechanism === 'PLAIN') await exchange(withLength(`\0${sasl.username}\0${sasl.password}`));
  else await scram(connection, sasl, exchange, broker);
  return sessionMs;
}

async function handshake(connection: LoginConnection, versions: ApiVersions, { mechanism, named }: SaslSettings, broker: string): Promise<void> {
  const { errorCode: code, enabledMechanisms } = await ask<Handshake>(connection, versions, 'SaslHandshake', { mechanism });
  if (code === errorCode.unsupportedSaslMechanism) {
    throw new SaslAuthenticationException(
      `${broker} does not have the SASL mechanism ${mechanism}; it has ${enabledMechanisms.join(', ') || 'none'}. Change sasl.mechanism${named === mechanism ? '' : ` (${named})`}, or use a listener that has it.`,
    );
  }
  if (code === errorCode.illegalSaslState) {
    throw new SaslAuthenticationException(
      `${broker} takes no logins by SASL on this port. Change security.protocol to PLAINTEXT or SSL, or bootstrap.servers to the port of a SASL listener.`,
    );
  }
  if (code !== 0) throw brokerError(code, `${broker}, SASL handshake`);
}

async function scram(
  connection: LoginConnection,
  sasl: SaslSettings & { username: string; password: string },
  exchange: (message: Buffer) => Promise<Buffer>,
  broker: string,
): Promise<void> {
  let failure: unknown;
  const step = async ({ request, response }: ScramMessage) => {
    try {
      return await response.parse(await response.decode(await exchange(await request.encode())));
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  try {
    await loginByScram(sasl.mechanism === 'SCRAM-SHA-256' ? 'SHA256' : 'SHA512', sasl, connection, step);
  } catch (error) {
    // kafkajs makes one error of all: a connection that broke is not a refusal.
    if (failure) throw failure;
    throw new SaslAuthenticationException(`${broker} could not prove itself by ${sasl.mechanism}: ${(error as Error).message}`);
  }
}

// RFC 7628. A refusal comes as JSON without an error code, and is only told in full after an answer to it.
async function loginByToken(token: BearerToken, exchange: (message: Buffer) => Promise<Buffer>, broker: string, sasl: SaslSettings): Promise<void> {
  const extensions = Object.entries(token.extensions).map(([name, value]) => `${name}=${value}\x01`);
  const answer = (await exchange(withLength(`n,,\x01auth=Bearer ${token.value}\x01${extensions.join('')}\x01`))).subarray(4);
  if (answer.length === 0) return;
  await exchange(withLength('\x01'));
  throw refused(broker, sasl, errorCode.saslAuthenticationFailed, answer.toString('utf8').slice(0, 300));
}

function refused(broker: string, { mechanism, named }: SaslSettings, code: number, reason: string | null): Error {
  if (code !== errorCode.saslAuthenticationFailed) return brokerError(code, `${broker}, SASL login`, reason);
  const advice =
    named === 'AWS_MSK_IAM'
      ? 'Check that the policy of the role allows kafka-cluster:Connect to this cluster.'
      : mechanism === 'OAUTHBEARER'
        ? 'Check that the broker trusts the issuer of the token, and its audience, scope and clock (sasl.oauthbearer.* and sasl.jaas.config).'
        : 'Check username and password in sasl.jaas.config, and sasl.mechanism.';
  return new SaslAuthenticationException(`${broker} refused the login by ${named}: ${reason || 'Authentication failed'}. ${advice}`);
}

async function ask<Answer>(connection: LoginConnection, versions: ApiVersions, name: string, args: unknown): Promise<Answer> {
  const protocol = negotiate(versions, apiKeys[name] as number, requests[name] as (typeof requests)[string])(args) as ProtocolRequest<Answer>;
  // Error codes are looked at here: kafkajs would throw away what else the answer says.
  return connection.send({ ...protocol, response: { decode: protocol.response.decode, parse: async (decoded) => decoded } });
}

function withLength(message: string): Buffer {
  const length = Buffer.byteLength(message);
  const buffer = Buffer.allocUnsafe(4 + length);
  buffer.writeInt32BE(length, 0);
  buffer.write(message, 4);
  return buffer;
}
