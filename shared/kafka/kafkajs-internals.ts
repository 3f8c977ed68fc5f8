/**
 * The one door to kafkajs. Its connection layer is not a public interface: kafkajs is pinned to 2.2.4, its last
 * release, and what is used of it is typed here. Its index is never imported: it loads producers, consumers and
 * administration that this layer does not use.
 */

import type { Socket } from 'node:net';
import scramAuthenticator from 'kafkajs/src/broker/saslAuthenticator/scram.js';
import Connection from 'kafkajs/src/network/connection.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import protocolErrors from 'kafkajs/src/protocol/error.js';
import keys from 'kafkajs/src/protocol/requests/apiKeys.js';
import protocolRequests from 'kafkajs/src/protocol/requests/index.js';

export interface KafkajsLogger {
  namespace(name: string): KafkajsLogger;
  debug(message: string, extra?: Record<string, unknown>): void;
  info(message: string, extra?: Record<string, unknown>): void;
  warn(message: string, extra?: Record<string, unknown>): void;
  error(message: string, extra?: Record<string, unknown>): void;
}

export type SocketFactory = (options: { host: string; port: number; onConnect: () => void }) => Socket;

export interface KafkajsConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: KafkajsLogger;
  readonly socketFactory: SocketFactory;
  readonly requestTimeout: number;
  readonly connectionTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly clientId: string;
}

/** An Encoder as far as requests need one. */
export interface KafkajsEncoder {
  readonly buffer: Buffer;
  writeInt8(value: number): KafkajsEncoder;
  writeInt16(value: number): KafkajsEncoder;
  writeInt32(value: number): KafkajsEncoder;
  writeInt64(value: bigint): KafkajsEncoder;
  writeString(value: string | null): KafkajsEncoder;
  writeBoolean(value: boolean): KafkajsEncoder;
}

export interface ProtocolRequest<Response> {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string; encode(): Promise<KafkajsEncoder> };
  readonly response: { decode(payload: Buffer): Promise<Response>; parse(decoded: Response): Promise<Response> };
  readonly requestTimeout?: number;
  readonly logResponseError?: boolean;
}

export interface RequestDefinition {
  readonly versions: readonly string[];
  readonly protocol: (version: { version: number }) => (args: unknown) => ProtocolRequest<unknown>;
}

export type ApiVersions = Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;

export interface KafkajsConnection {
  readonly requestQueue: {
    readonly pending: readonly unknown[];
    push(request: {
      entry: {
        apiKey: number;
        apiName: string;
        apiVersion: number;
        correlationId: number;
        resolve(answer: { payload: Buffer }): void;
        reject(error: Error): void;
      };
      expectResponse: boolean;
      requestTimeout: number | null;
      sendRequest(): void;
    }): void;
    maybeThrottle(milliseconds: number): void;
    scheduleCheckPendingRequests(): void;
    destroy(): void;
  };
  readonly socket: Socket | undefined;
  connectionStatus: string;
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  setVersions(versions: ApiVersions): void;
  nextCorrelationId(): number;
  rejectRequests(error: Error): void;
  send<Response>(request: ProtocolRequest<Response>): Promise<Response>;
}

interface BrokerErrorCode {
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;
  readonly message: string;
}

export const apiKeys = keys as Readonly<Record<string, number>>;
export const requests = protocolRequests.requests as Readonly<Record<string, RequestDefinition>>;
export const brokerErrorCodes = protocolErrors.errorCodes as readonly BrokerErrorCode[];

/** A new encoder of requests. */
export function createEncoder(): KafkajsEncoder {
  return new Encoder();
}

/** Chooses the newest version of a request that both sides know. */
export function negotiate(versions: ApiVersions, apiKey: number, definition: RequestDefinition): (args: unknown) => ProtocolRequest<unknown> {
  return protocolRequests.lookup(versions)(apiKey, definition);
}

/** A connection, not yet connected. */
export function createConnection(options: KafkajsConnectionOptions): KafkajsConnection {
  const connection = new Connection(options) as KafkajsConnection;
  // After every answer kafkajs looks for throttled requests with a timer whose delay is negative when there are none,
  // which Node 24 warns about (TimeoutNegativeWarning): without pending requests there is nothing to look for.
  const queue = connection.requestQueue;
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
  return connection;
}

/** A message of a login with the length before it, and how to read the answer, which has its length before it too. */
export interface ScramMessage {
  readonly request: { encode(): Promise<Buffer> };
  readonly response: { decode(answer: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<unknown> };
}

/** Logs in by SCRAM (RFC 5802); `exchange` sends a message and gives the answer. Rejects when either side does not know the password. */
export async function loginByScram(
  digest: 'SHA256' | 'SHA512',
  login: { username: string; password: string },
  address: { host: string; port: number; logger: KafkajsLogger },
  exchange: (message: ScramMessage) => Promise<unknown>,
): Promise<void> {
  const { SCRAM, DIGESTS } = scramAuthenticator;
  await new SCRAM(login, address.host, address.port, address.logger, exchange, DIGESTS[digest]).authenticate();
}
