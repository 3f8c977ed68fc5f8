/**
 * The errors of Kafka Connect's API, under their Java names. `javaClass` is the class name that users meet in
 * traces and in the `__connect.errors.exception.class.name` header.
 *
 * Errors are recognised by brand, not by `instanceof`, so that a plugin that brings its own copy of this
 * module is understood too.
 */
const brand = Symbol.for('sluice.connect.error');

/** Base of all errors that the framework gives a meaning to. */
export class ConnectException extends Error {
  readonly javaClass: string = 'org.apache.kafka.connect.errors.ConnectException';
  readonly [brand] = true;
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The operation may succeed when it is tried again: the framework retries it (`errors.retry.timeout`, or put again). */
export class RetriableException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.RetriableException';
}

/**
 * The external system takes or gives nothing now (it cannot be reached, is full, refuses the user), and no record is to
 * blame: the run ends, and the task waits with growing pauses (`sluice.circuit.*`) until the system is back. Nothing goes
 * to a dead letter queue. Kafka Connect would know it as a RetriableException.
 */
export class UnavailableException extends RetriableException {
  readonly unavailable = true;
}

/** A record is wrong in itself: no retry will help; tolerance and the dead letter queue decide what becomes of it. */
export class DataException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.DataException';
}

/** A schema could not be built as asked. */
export class SchemaBuilderException extends DataException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.SchemaBuilderException';
}

/** A value does not fit its schema's projection (`SchemaProjector`). */
export class SchemaProjectorException extends DataException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.SchemaProjectorException';
}

/** Something that was asked for is not there: the REST API answers 404. */
export class NotFoundException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.NotFoundException';
}

/** Something exists already: the REST API answers 409. */
export class AlreadyExistsException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.AlreadyExistsException';
}

/** The task or connector is in the wrong state for this call. */
export class IllegalWorkerStateException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.connect.errors.IllegalWorkerStateException';
}

/**
 * A configuration value is missing or wrong. `ConfigException.forValue` makes Kafka's exact text:
 * `Invalid value x for configuration key: why`.
 */
export class ConfigException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.config.ConfigException';

  static forValue(name: string, value: unknown, reason?: string): ConfigException {
    const text = value === null || value === undefined ? 'null' : Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
    return new ConfigException(`Invalid value ${text} for configuration ${name}${reason ? `: ${reason}` : ''}`);
  }
}

/** True for every error of this module, whichever copy of the module made it. */
export function isConnectException(error: unknown): error is ConnectException {
  return typeof error === 'object' && error !== null && brand in error;
}

/** True when the framework may try the failed operation again. */
export function isRetriable(error: unknown): boolean {
  return isConnectException(error) && retriableClasses.has(error.javaClass);
}

/** True when the external system is out of order, so that trying again at once makes no sense. */
export function isUnavailable(error: unknown): boolean {
  return isRetriable(error) && (error as Partial<UnavailableException>).unavailable === true;
}

const retriableClasses = new Set(['org.apache.kafka.connect.errors.RetriableException']);

/** The Java class name that stands for an error in traces and dead letter headers. */
export function javaClassOf(error: unknown): string {
  if (isConnectException(error)) return error.javaClass;
  const declared = (error as { javaClass?: unknown } | null)?.javaClass;
  if (typeof declared === 'string') return declared;
  if (error instanceof RangeError) return 'java.lang.IllegalArgumentException';
  if (error instanceof TypeError) return 'java.lang.ClassCastException';
  return 'java.lang.RuntimeException';
}

/** An error as a person reads it in a status: class, message, stack and the chain of causes, each once. */
export function traceOf(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    const stack = current instanceof Error ? (current.stack ?? '') : '';
    const frames = stack
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .map((line) => `\t${line.trim()}`);
    const message = current instanceof Error ? current.message : String(current);
    parts.push([`${depth ? 'Caused by: ' : ''}${javaClassOf(current)}: ${message}`, ...frames].join('\n'));
    current = current instanceof Error ? current.cause : undefined;
  }
  return `${parts.join('\n')}\n`;
}
