import net from 'node:net';
import tls from 'node:tls';
import { ConnectException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import { brokerError, ConnectionLostException, SaslAuthenticationException, SslAuthenticationException } from './kafka-errors.ts';
import {
  type ApiVersions,
  apiKeys,
  createConnection,
  type KafkajsConnection,
  type KafkajsLogger,
  negotiate,
  type ProtocolRequest,
  requests,
} from './kafkajs-internals.ts';
import type { ConnectionSecurity, Security } from './security/connection-security.ts';
import { saslLogin } from './security/sasl-login.ts';
import { tlsError } from './security/tls-errors.ts';

/** How to get in: one for all connections of a cluster. Times in milliseconds. */
export interface ConnectionSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly security: ConnectionSecurity;
  readonly requestTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** How long a call tries before it gives up with RetriableException. */
  readonly retryTimeoutMs: number;
}

// Load balancers and NAT gateways of AWS forget a silent connection after 350 s, without a word to either side.
const silentTooLongMs = 240_000;
// A process that was frozen does not hear that its connections have ended: after this long a connection has to give a
// sign of life, in a time in which a broker always answers this, before a request is left to wait on it for much longer.
const doubtfulAfterMs = 10_000;
const signOfLifeMs = 1500;

/** One connection to one broker, made when first used. Once closed it stays closed: whoever needs one makes another. */
export class BrokerConnection {
  readonly address: string;
  readonly #settings: ConnectionSettings;
  readonly #connection: KafkajsConnection;
  readonly #known: Map<string, ApiVersions>;
  readonly #host: string;
  readonly #port: number;
  readonly #logger: KafkajsLogger;
  #versions: ApiVersions | undefined;
  #connecting: Promise<void> | undefined;
  #failConnect: ((error: Error) => void) | undefined;
  #closed = false;
  #inFlight = 0;
  /** Requests of `exchange` that wait for the connection or a login: later ones must not overtake them. */
  #waiting = 0;
  #lastEntered: Promise<void> = Promise.resolve();
  #authenticating: Promise<void> | undefined;
  #checking: Promise<void> | undefined;
  /** When the next request has to log in again first, by the monotonic clock. */
  #loginAgainAt = Number.POSITIVE_INFINITY;
  #idle: (() => void)[] = [];
  #security: Security = { ssl: null, sasl: null };
  #socketError: Error | undefined;
  /** What the broker has answered so far: tells why it may have hung up. */
  #stage: 'nothing' | 'versions' | 'login' | 'requests' = 'nothing';
  #usedAt = Date.now();

  /** `known`: API versions by address, shared by the connections of a cluster so that only the first has to ask. */
  constructor(settings: ConnectionSettings, host: string, port: number, known: Map<string, ApiVersions>, logger: Logger) {
    this.address = `${host}:${port}`;
    this.#host = host;
    this.#port = port;
    this.#settings = settings;
    this.#known = known;
    this.#logger = kafkajsLogger(logger);
    this.#connection = createConnection({
      host,
      port,
      logger: this.#logger,
      requestTimeout: settings.requestTimeoutMs,
      connectionTimeout: settings.connectionTimeoutMs,
      enforceRequestTimeout: true,
      clientId: settings.clientId,
      socketFactory: ({ host, port, onConnect }) => {
        const { ssl } = this.#security;
        // kafkajs leaves Nagle's algorithm on, which costs small requests that follow each other up to 40 ms.
        const socket = ssl
          ? tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
          : net.connect({ host, port }, onConnect);
        socket.setNoDelay(true);
        socket.setKeepAlive(true, 60_000);
        // Comes before 'close', which ends everything: kafkajs would tell it too late.
        socket.once('error', (error) => {
          this.#socketError = error;
        });
        if (!ssl) {
          // Not the length of an answer but the beginning of an alert: a TLS port says so in its own way.
          socket.once('data', (data: Buffer) => {
            if (this.#stage === 'nothing' && data[0] === 0x15 && data[1] === 0x03) this.#socketError = this.#speaksTls();
          });
        }
        socket.once('close', () => this.close());
        return socket;
      },
    });
  }

  /** False once it was closed by either side, or was silent for so long that it is likely dead. */
  get usable(): boolean {
    return !this.#closed && Date.now() - this.#usedAt < silentTooLongMs;
  }

  get versions(): ApiVersions {
    return this.#versions as ApiVersions;
  }

  /** Connects, asks for API versions and logs in. Rejects with ConnectionLostException, or ConnectException when it never will work. */
  connect(): Promise<void> {
    const since = performance.now();
    this.#connecting ??= this.#open().catch((error) => {
      this.close();
      return this.#refuse(error, since);
    });
    return this.#connecting;
  }

  /** Sends a request of kafkajs's and returns its decoded answer. With `parse` false, error codes in the answer are left to the caller. */
  async request<Response>(name: string, args: unknown, parse = true): Promise<Response> {
    await this.connect();
    const apiKey = apiKeys[name] as number;
    const protocol = negotiate(this.versions, apiKey, requests[name] as (typeof requests)[string])(args) as ProtocolRequest<Response>;
    return this.send(parse ? protocol : { ...protocol, response: { decode: protocol.response.decode, parse: async (decoded) => decoded } });
  }

  /** Sends a request and decodes its answer. */
  async send<Response>(protocol: ProtocolRequest<Response>): Promise<Response> {
    await this.#enter();
    try {
      const answer = await this.#connection.send(protocol);
      this.#stage = 'requests';
      return answer;
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.#leave();
    }
  }

  /**
   * Sends a request of our own encoding without copying its parts; resolves to the answer's payload. Requests are
   * written in the order of calls as long as the connection is connected.
   */
  exchange(apiName: string, apiVersion: number, parts: readonly Buffer[], waitMs = 0): Promise<Buffer> {
    const apiKey = apiKeys[apiName] as number;
    const connection = this.#connection;
    const start = () =>
      new Promise<Buffer>((resolve, reject) => {
        const correlationId = connection.nextCorrelationId();
        connection.requestQueue.push({
          entry: { apiKey, apiName, apiVersion, correlationId, resolve: ({ payload }) => resolve(payload), reject },
          expectResponse: true,
          requestTimeout: waitMs > 0 ? waitMs + this.#settings.requestTimeoutMs : null,
          sendRequest: () => {
            const socket = connection.socket;
            if (!socket) return;
            socket.cork();
            socket.write(requestHeader(apiKey, apiVersion, correlationId, this.#settings.clientId, parts));
            for (const part of parts) socket.write(part);
            socket.uncork();
          },
        });
      });
    if (this.#closed) return Promise.reject(this.#explain(new Error('the connection is closed')));
    if (this.#versions && this.#waiting === 0 && !this.#authenticating && !this.#loginDue() && !this.#doubtful()) {
      this.#inFlight++;
      this.#usedAt = Date.now();
      return start().then(
        (payload) => {
          this.#stage = 'requests';
          this.#leave();
          return payload;
        },
        (error) => {
          this.#leave();
          throw this.#explain(error);
        },
      );
    }
    this.#waiting++;
    const entered = this.#lastEntered.then(() => this.connect()).then(() => this.#enter());
    this.#lastEntered = entered.catch(() => {});
    return entered
      .then(
        () => {
          this.#waiting--;
          return start().finally(() => this.#leave());
        },
        (error) => {
          this.#waiting--;
          throw error;
        },
      )
      .catch((error) => {
        throw this.#explain(error);
      });
  }

  /** The broker asked for a pause before the next request (KIP-219). */
  throttle(milliseconds: number): void {
    if (milliseconds > 0) this.#connection.requestQueue.maybeThrottle(milliseconds);
  }

  /** Closes at once; what is under way is rejected with ConnectionLostException. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = this.#explain(this.#socketError ?? new Error(this.#whyClosed()));
    this.#failConnect?.(error);
    this.#connection.rejectRequests(error);
    this.#connection.requestQueue.destroy();
    this.#connection.connectionStatus = 'disconnected';
    this.#connection.socket?.destroy();
  }

  async #open(): Promise<void> {
    const closed = new Promise<never>((_, reject) => {
      this.#failConnect = reject;
    });
    closed.catch(() => {});
    this.#security = await this.#settings.security.get();
    // kafkajs never settles `connect` when the other side hangs up during a handshake: hence the race.
    await Promise.race([this.#connection.connect(), closed]);
    const connection = this.#connection;
    let versions = this.#known.get(this.address);
    if (!versions) {
      const answer = (await connection.send(apiVersionsRequest())) as {
        apiVersions: { apiKey: number; minVersion: number; maxVersion: number }[];
      };
      versions = Object.fromEntries(answer.apiVersions.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { minVersion, maxVersion }]));
      this.#known.set(this.address, versions);
    }
    connection.setVersions(versions);
    this.#stage = 'versions';
    await this.#login(versions);
    this.#versions = versions;
    this.#usedAt = Date.now();
  }

  async #login(versions: ApiVersions): Promise<void> {
    const { sasl } = this.#security;
    if (!sasl) return;
    const connection = { host: this.#host, port: this.#port, logger: this.#logger, send: this.#connection.send.bind(this.#connection) };
    const sessionMs = await saslLogin(connection, versions, sasl);
    this.#stage = 'login';
    // As the Java client does: not all connections at the same time.
    this.#loginAgainAt = sessionMs > 0 ? performance.now() + sessionMs * (0.85 + 0.1 * Math.random()) : Number.POSITIVE_INFINITY;
  }

  // A process that was frozen may come too late; the broker takes a login, but nothing else, after the end of a session.
  #loginDue(): boolean {
    return this.#loginAgainAt !== Number.POSITIVE_INFINITY && performance.now() >= this.#loginAgainAt;
  }

  // While a login is under way the broker takes no other request (KIP-368).
  async #enter(): Promise<void> {
    if (this.#closed) throw new Error('the connection is closed');
    if (this.#loginDue()) {
      this.#authenticating ??= this.#loginAgain().finally(() => {
        this.#authenticating = undefined;
      });
    }
    if (this.#authenticating) await this.#authenticating;
    if (this.#doubtful()) {
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined;
      });
      await this.#checking;
    }
    this.#inFlight++;
    this.#usedAt = Date.now();
  }

  #doubtful(): boolean {
    return this.#inFlight === 0 && Date.now() - this.#usedAt > doubtfulAfterMs;
  }

  async #check(): Promise<void> {
    const timer = setTimeout(() => {
      this.#socketError = new Error(`the connection was silent for long, and gave no sign of life within ${signOfLifeMs} ms`);
      this.close();
    }, signOfLifeMs);
    try {
      await this.#connection.send(apiVersionsRequest());
    } finally {
      clearTimeout(timer);
    }
    this.#usedAt = Date.now();
  }

  async #loginAgain(): Promise<void> {
    while (this.#inFlight > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    const since = performance.now();
    try {
      this.#security = await this.#settings.security.get();
      await this.#login(this.versions);
    } catch (error) {
      this.close();
      await this.#refuse(error, since);
    }
  }

  #leave(): void {
    this.#usedAt = Date.now();
    if (--this.#inFlight > 0 || this.#idle.length === 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #explain(error: unknown): Error {
    if (error instanceof ConnectException) return error;
    const failure = error as Error & { code?: unknown; type?: string };
    const network = `Kafka broker ${this.address}`;
    if (typeof failure.type === 'string' && typeof failure.code === 'number') return brokerError(failure.code, network);
    if (failure.name === 'KafkaJSServerDoesNotSupportApiKey') {
      return new ConnectException(`${network} is too old: it does not know a request that is needed. Kafka 2.3 or later is required.`, { cause: error });
    }
    if (failure.name === 'KafkaJSConnectionClosedError') return this.#explain(this.#socketError ?? new Error(this.#whyClosed()));
    if (failure.name === 'KafkaJSConnectionError' && this.#socketError) return this.#explain(this.#socketError);
    const tls = tlsError(failure as NodeJS.ErrnoException, network, this.#host);
    if (tls) return tls;
    // A request that timed out leaves its connection in doubt, and an answer that comes late must not be taken for another's.
    if (failure.name === 'KafkaJSRequestTimeoutError') this.close();
    const notTls = /before secure TLS connection/.test(failure.message) ? '. Check security.protocol: the port may not speak TLS' : '';
    return new ConnectionLostException(`${network}: ${failure.message}${notTls}`, { cause: error });
  }

  // A refusal of secrets that were known before may be out of date like them: the next connection has new ones.
  async #refuse(failure: unknown, since: number): Promise<never> {
    const error = this.#explain(failure);
    const refused = error instanceof SaslAuthenticationException || error instanceof SslAuthenticationException;
    if (refused && (await this.#settings.security.refused(since))) throw new ConnectionLostException(error.message, { cause: error });
    throw error;
  }

  // A broker tells those whom it does not let in only by hanging up; so does one that is being stopped.
  #whyClosed(): string {
    const { ssl, sasl } = this.#security;
    if (this.#stage === 'nothing' && ssl) {
      return 'the connection was closed after the TLS handshake. If the broker requires a client certificate, set ssl.keystore.certificate.chain and ssl.keystore.key';
    }
    if (this.#stage === 'nothing') return 'the connection was closed before an answer. Check security.protocol: the port may be one for TLS';
    if (this.#stage === 'versions' && !sasl) {
      return 'the connection was closed at the first request. Check security.protocol: the port may be one for SASL';
    }
    return 'the connection was closed';
  }

  #speaksTls(): Error {
    return new SslAuthenticationException(
      `Kafka broker ${this.address} speaks TLS on this port: change security.protocol to SSL or SASL_SSL, or bootstrap.servers to the port of a listener without TLS.`,
    );
  }
}

function apiVersionsRequest(): ProtocolRequest<unknown> {
  return (requests.ApiVersions as (typeof requests)[string]).protocol({ version: 2 })({});
}

function requestHeader(apiKey: number, apiVersion: number, correlationId: number, clientId: string, parts: readonly Buffer[]): Buffer {
  const clientIdLength = Buffer.byteLength(clientId);
  const header = Buffer.allocUnsafe(14 + clientIdLength);
  let length = 10 + clientIdLength;
  for (const part of parts) length += part.length;
  header.writeInt32BE(length, 0);
  header.writeInt16BE(apiKey, 4);
  header.writeInt16BE(apiVersion, 6);
  header.writeInt32BE(correlationId, 8);
  header.writeInt16BE(clientIdLength, 12);
  header.write(clientId, 14);
  return header;
}

/** kafkajs's lines at debug level. Its own debug lines are left out: they quote requests and answers, logins included. */
function kafkajsLogger(logger: Logger): KafkajsLogger {
  const write = (message: string, extra?: Record<string, unknown>) => logger.debug(`kafkajs: ${message}`, extra?.broker ? { broker: extra.broker } : undefined);
  const adapted: KafkajsLogger = { namespace: () => adapted, debug: () => {}, info: write, warn: write, error: write };
  return adapted;
}
