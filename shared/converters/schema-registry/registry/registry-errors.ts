import { ConnectException, DataException, RetriableException } from '../../../connect/index.ts';
import { SerializationException } from '../../serialization-exception.ts';
import type { FormatWords } from './schema-format.ts';

/** The registry's answer to a request that it did not serve: `message; error code: 40401`. */
export class RestClientException extends Error {
  readonly javaClass = 'io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException';
  readonly status: number;
  readonly errorCode: number;
  constructor(message: string, status: number, errorCode: number) {
    super(`${message}; error code: ${errorCode}`);
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** The registry could not be reached, or did not answer in time. */
export class RegistryUnreachable extends Error {
  readonly javaClass = 'org.apache.kafka.common.errors.NetworkException';
  readonly timedOut: boolean;
  constructor(message: string, timedOut: boolean, options?: ErrorOptions) {
    super(message, options);
    this.timedOut = timedOut;
  }
}

class TimeoutException extends Error {
  readonly javaClass = 'org.apache.kafka.common.errors.TimeoutException';
}

class AuthenticationException extends ConnectException {
  override readonly javaClass = 'org.apache.kafka.common.errors.AuthenticationException';
}

class AuthorizationException extends ConnectException {
  override readonly javaClass = 'org.apache.kafka.common.errors.AuthorizationException';
}

/** True while another try may help: the registry is overloaded, starting or away. */
export function mayHelpLater(error: unknown): boolean {
  return error instanceof RegistryUnreachable || (error instanceof RestClientException && [408, 429, 500, 502, 503, 504].includes(error.status));
}

/** What a converter was doing, and how it speaks of that. */
export interface Doing {
  readonly words: FormatWords;
  readonly topic: string;
  readonly writing: boolean;
}

/** The error of a record whose bytes or values do not fit. */
export function dataError({ words, topic, writing }: Doing, cause: unknown): DataException {
  return new DataException(words.failed(topic, writing, false), { cause });
}

/**
 * What a failed request becomes for the record that needed it: RetriableException while the registry is away, an error of
 * authentication, or else DataException, each with what was asked for (`message`) in its chain of causes.
 */
export function registryError(doing: Doing, message: string, cause: unknown): unknown {
  const { words, topic, writing } = doing;
  if (cause instanceof RegistryUnreachable && !cause.timedOut) {
    const what = writing ? `serializing ${words.network} data for topic` : `deserializing data for topic`;
    return new RetriableException(`Network connection error while ${what} ${topic}: ${cause.message}`, { cause });
  }
  if (mayHelpLater(cause)) {
    return new RetriableException(words.failed(topic, writing, true), { cause: new TimeoutException(message, { cause }) });
  }
  if (cause instanceof RestClientException && cause.status === 401) return new AuthenticationException(message, { cause });
  if (cause instanceof RestClientException && cause.status === 403) return new AuthorizationException(message, { cause });
  return dataError(doing, new SerializationException(message, { cause }));
}
