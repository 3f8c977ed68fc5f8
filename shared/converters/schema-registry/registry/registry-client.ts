import { type Clock, ConfigException, type Logger } from '../../../connect/index.ts';
import { type Credentials, credentials } from './credentials.ts';
import { httpRequest } from './http-request.ts';
import { mayHelpLater, RegistryUnreachable, RestClientException } from './registry-errors.ts';
import { tlsOptions } from './tls-options.ts';

export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

/** A schema that another one names: `import "other.proto"`, `"$ref": "other.json"`, an Avro type's name. */
export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

/** A schema as the registry holds it. */
export interface RegistrySchema {
  readonly type: SchemaType;
  readonly text: string;
  readonly references: readonly SchemaReference[];
  /** `metadata.properties` of the schema, where it has some. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SchemaVersion {
  readonly id: number;
  readonly version: number;
  readonly schema: RegistrySchema;
}

interface Answer {
  readonly id?: number;
  readonly version?: number;
  readonly schema?: string;
  readonly schemaType?: string;
  readonly references?: readonly SchemaReference[];
  readonly metadata?: { readonly properties?: Readonly<Record<string, string>> };
}

const accept = 'application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json; q=0.9, application/json; q=0.5';

export interface RegistryClientOptions {
  /** The converter's config as it was written. */
  readonly raw: Readonly<Record<string, string>>;
  readonly urls: readonly string[];
  readonly randomize: boolean;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly maxRetries: number;
  readonly retriesWaitMs: number;
  readonly retriesMaxWaitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random?: () => number;
}

/**
 * The Schema Registry's REST API, as far as converters need it. What is overloaded is asked again with growing pauses;
 * what cannot be reached is passed over for the next address. Nothing is remembered here.
 * Methods reject with RestClientException, RegistryUnreachable, or ConfigException.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  readonly #urls: readonly URL[];
  readonly #credentials: Credentials;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #tls: ReturnType<typeof tlsOptions> | undefined;
  #current: number;

  /** Throws ConfigException. */
  constructor(options: RegistryClientOptions) {
    const { raw, urls, clock, connectTimeoutMs, readTimeoutMs } = options;
    this.#options = options;
    this.#urls = urls.map(registryUrl);
    if (this.#urls.length === 0) throw ConfigException.forValue('schema.registry.url', '', 'It should have at least one address');
    const config = withoutPrefix(raw);
    this.#credentials = credentials({ config, clock, connectTimeoutMs, readTimeoutMs });
    this.#tls = this.#urls.some(({ protocol }) => protocol === 'https:') ? tlsOptions(raw) : undefined;
    this.#headers = Object.fromEntries(
      Object.entries(raw).flatMap(([name, value]) => (name.startsWith('request.header.') ? [[name.slice('request.header.'.length), value]] : [])),
    );
    this.#current = options.randomize ? Math.floor((options.random ?? Math.random)() * this.#urls.length) : 0;
  }

  /** `subject` null: the schema is looked for without one. */
  async schemaById(id: number, subject: string | null, signal: AbortSignal): Promise<RegistrySchema> {
    return schemaOf(await this.#send('GET', `/schemas/ids/${id}?fetchMaxId=false${subject === null ? '' : `&subject=${encodeURIComponent(subject)}`}`, signal));
  }

  async schemaByGuid(guid: string, signal: AbortSignal): Promise<RegistrySchema> {
    return schemaOf(await this.#send('GET', `/schemas/guids/${encodeURIComponent(guid)}`, signal));
  }

  /** The id of a schema, which is registered if it is not yet. */
  async register(subject: string, schema: RegistrySchema, normalize: boolean, signal: AbortSignal): Promise<number> {
    return (await this.#send('POST', `/subjects/${encodeURIComponent(subject)}/versions?normalize=${normalize}`, signal, bodyOf(schema))).id as number;
  }

  /** Id and version of a schema that is registered. */
  async lookUp(subject: string, schema: RegistrySchema, normalize: boolean, deleted: boolean, signal: AbortSignal): Promise<{ id: number; version: number }> {
    const { id, version } = await this.#send(
      'POST',
      `/subjects/${encodeURIComponent(subject)}?normalize=${normalize}&deleted=${deleted}`,
      signal,
      bodyOf(schema),
    );
    return { id: id as number, version: version as number };
  }

  /** A version of a subject, by its number or the latest. */
  async version(subject: string, version: number | 'latest', signal: AbortSignal): Promise<SchemaVersion> {
    const answer = await this.#send(
      'GET',
      `/subjects/${encodeURIComponent(subject)}/versions/${version}${version === 'latest' ? '' : '?deleted=true'}`,
      signal,
    );
    return { id: answer.id as number, version: answer.version as number, schema: schemaOf(answer) };
  }

  /** The texts of all schemas that are referred to, directly or not, by name; each before those that need it. */
  async resolve(schema: RegistrySchema, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>();
    const visit = async ({ references }: RegistrySchema): Promise<void> => {
      for (const { name, subject, version } of references) {
        if (texts.has(name)) continue;
        const found = (await this.version(subject, version, signal)).schema;
        await visit(found);
        texts.set(name, found.text);
      }
    };
    await visit(schema);
    return texts;
  }

  async #send(method: 'GET' | 'POST', path: string, signal: AbortSignal, body?: string): Promise<Answer> {
    const { logger } = this.#options;
    for (let at = 0; ; at++) {
      const url = this.#urls[this.#current] as URL;
      try {
        return await this.#sendTo(url, method, path, signal, body);
      } catch (error) {
        if (!mayHelpLater(error) || signal.aborted) throw error;
        this.#current = (this.#current + 1) % this.#urls.length;
        if (at === this.#urls.length - 1) throw error;
        logger.warn('A Schema Registry cannot serve a request; asking the next one', { url: url.origin, error: String(error) });
      }
    }
  }

  async #sendTo(url: URL, method: 'GET' | 'POST', path: string, signal: AbortSignal, body: string | undefined): Promise<Answer> {
    const { clock, maxRetries, retriesWaitMs, retriesMaxWaitMs, random = Math.random } = this.#options;
    for (let retry = 0; ; retry++) {
      try {
        return await this.#request(url, method, path, signal, body);
      } catch (error) {
        if (retry >= maxRetries || !mayHelpLater(error) || error instanceof RegistryUnreachable || signal.aborted) throw error;
        await clock.sleep(Math.floor(Math.min(retriesWaitMs * 2 ** retry, retriesMaxWaitMs) * (0.5 + random() / 2)), signal);
      }
    }
  }

  async #request(url: URL, method: 'GET' | 'POST', path: string, signal: AbortSignal, body: string | undefined): Promise<Answer> {
    const { connectTimeoutMs, readTimeoutMs } = this.#options;
    const headers = {
      Accept: accept,
      'Confluent-Accept-Unknown-Properties': 'true',
      ...(body === undefined ? {} : { 'Content-Type': 'application/vnd.schemaregistry.v1+json' }),
      ...(await this.#credentials(url, signal)),
      ...this.#headers,
    };
    const target = new URL(`${url.origin}${url.pathname.replace(/\/$/, '')}${path}`);
    const { status, body: text } = await httpRequest({ method, url: target, headers, body, connectTimeoutMs, readTimeoutMs, tls: this.#tls, signal });
    if (status === 200) {
      const answer = jsonObject(text);
      if (answer !== null) return answer as Answer;
      throw new RestClientException(`The answer of the schema registry is not JSON: '(${text.slice(0, 200)})'`, status, 50005);
    }
    const told = jsonObject(text) as { message?: string; error_code?: number } | null;
    if (told !== null) throw new RestClientException(String(told.message), status, told.error_code ?? status);
    throw new RestClientException(text === '' ? 'Error' : `Unable to parse error message from schema registry: '(${text.slice(0, 200)})'`, status, 50005);
  }
}

function registryUrl(text: string): URL {
  const url = URL.parse(text.trim());
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  // A password may be within.
  throw new ConfigException('Invalid value for configuration schema.registry.url: addresses should begin with http:// or https://');
}

/** Keys of the client may have the prefix `schema.registry.`, which then counts more. */
function withoutPrefix(raw: Readonly<Record<string, string>>): Record<string, string> {
  const config = { ...raw };
  for (const [name, value] of Object.entries(raw)) if (name.startsWith('schema.registry.')) config[name.slice('schema.registry.'.length)] = value;
  return config;
}

function bodyOf({ type, text, references }: RegistrySchema): string {
  return JSON.stringify({ schema: text, ...(type === 'AVRO' ? {} : { schemaType: type }), ...(references.length === 0 ? {} : { references }) });
}

function schemaOf({ schema, schemaType, references, metadata }: Answer): RegistrySchema {
  return { type: (schemaType ?? 'AVRO') as SchemaType, text: schema as string, references: references ?? [], metadata: metadata?.properties };
}

function jsonObject(text: string): object | null {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' ? json : null;
  } catch {
    return null;
  }
}
