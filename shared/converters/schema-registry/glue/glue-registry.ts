import type { GlueClient } from '@aws-sdk/client-glue';
import type { Clock, Logger } from '../../../connect/index.ts';

/** What Amazon's client says when the registry did not serve it. */
export class AWSSchemaRegistryException extends Error {
  readonly javaClass = 'com.amazonaws.services.schemaregistry.exception.AWSSchemaRegistryException';
}

/** How the registry is reached, and what new schemas get. */
export interface GlueSettings {
  readonly region: string | null;
  readonly endpoint: string | null;
  readonly registryName: string;
  readonly compatibility: string;
  readonly description: string | null;
  readonly autoRegister: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where no way leads to the service the SDK would wait until the run's time is over. */
const limits = { maxAttempts: 4, requestHandler: { connectionTimeout: 3_000, requestTimeout: 10_000, throwOnRequestTimeout: true } } as const;
/** The registry checks a new version against those before it; so often, and so long in between, it is asked how that went. */
const checks = 40;
const checkIntervalMs = 500;

/**
 * The Glue Schema Registry, as Amazon's own serializers use it: schemas are looked up by their text, and registered where that is
 * allowed. The SDK is loaded with the first request.
 */
export class GlueRegistry {
  readonly #settings: GlueSettings;
  #glue: Promise<{ readonly sdk: typeof import('@aws-sdk/client-glue'); readonly client: GlueClient }> | null = null;

  constructor(settings: GlueSettings) {
    this.#settings = settings;
  }

  /** The text of a schema version. Rejects with AWSSchemaRegistryException, whose cause is what the SDK threw. */
  async definition(schemaVersionId: string, signal: AbortSignal): Promise<string> {
    const { sdk, client } = await this.#open();
    try {
      const { SchemaDefinition: text, DataFormat: format } = await client.send(new sdk.GetSchemaVersionCommand({ SchemaVersionId: schemaVersionId }), {
        abortSignal: signal,
      });
      if (text === undefined) throw new AWSSchemaRegistryException(`Schema definition is not present for the schema id = ${schemaVersionId}`);
      if (format !== undefined && format !== 'AVRO') throw new AWSSchemaRegistryException(`The schema is of format ${format}, not AVRO`);
      return text;
    } catch (cause) {
      throw new AWSSchemaRegistryException(`Failed to get schema version Id = ${schemaVersionId}`, { cause });
    }
  }

  /** The id of the version with this text, which is registered if need be. Rejects as above. */
  async versionId(schemaName: string, text: string, topic: string, signal: AbortSignal): Promise<string> {
    const { sdk, client } = await this.#open();
    const SchemaId = { SchemaName: schemaName, RegistryName: this.#settings.registryName };
    try {
      const found = await client.send(new sdk.GetSchemaByDefinitionCommand({ SchemaId, SchemaDefinition: text }), { abortSignal: signal });
      if (found.Status === 'AVAILABLE' && found.SchemaVersionId !== undefined) return found.SchemaVersionId;
      if (found.Status === 'PENDING' && found.SchemaVersionId !== undefined) return await this.#available(found.SchemaVersionId, signal);
      throw new AWSSchemaRegistryException(`Schema Found but status is ${found.Status}`);
    } catch (cause) {
      if (!isMissing(cause))
        throw new AWSSchemaRegistryException(`Failed to get schemaVersionId by schema definition for schema name = ${schemaName} `, { cause });
      if (!this.#settings.autoRegister)
        throw new AWSSchemaRegistryException('Failed to auto-register schema. Auto registration of schema is not enabled.', { cause });
    }
    const id = await this.#register(schemaName, text, signal);
    await this.#tellTransport(id, topic, signal);
    return id;
  }

  async close(): Promise<void> {
    if (this.#glue !== null) (await this.#glue).client.destroy();
  }

  /** A version of a schema that is there, or else a schema. Two producers may do so at once. */
  async #register(schemaName: string, text: string, signal: AbortSignal): Promise<string> {
    const { sdk, client } = await this.#open();
    const { registryName, compatibility, description } = this.#settings;
    const newVersion = async (): Promise<string> => {
      const SchemaId = { SchemaName: schemaName, RegistryName: registryName };
      const { SchemaVersionId: id = '', Status } = await client.send(new sdk.RegisterSchemaVersionCommand({ SchemaId, SchemaDefinition: text }), {
        abortSignal: signal,
      });
      return Status === 'AVAILABLE' ? id : this.#available(id, signal);
    };
    try {
      return await newVersion();
    } catch (cause) {
      if (!isMissing(cause))
        throw new AWSSchemaRegistryException(
          `Register schema :: Call failed when registering the schema with the schema registry for schema name = ${schemaName}`,
          { cause },
        );
    }
    const created = new sdk.CreateSchemaCommand({
      RegistryId: { RegistryName: registryName },
      SchemaName: schemaName,
      DataFormat: 'AVRO',
      Compatibility: compatibility as 'BACKWARD',
      SchemaDefinition: text,
      ...(description === null ? {} : { Description: description }),
    });
    try {
      return (await client.send(created, { abortSignal: signal })).SchemaVersionId ?? '';
    } catch (cause) {
      if ((cause as Error).name === 'AlreadyExistsException') return await newVersion();
      throw new AWSSchemaRegistryException(`Create schema :: Call failed when creating the schema with the schema registry for schema name = ${schemaName}`, {
        cause,
      });
    }
  }

  async #available(schemaVersionId: string, signal: AbortSignal): Promise<string> {
    const { sdk, client } = await this.#open();
    for (let check = 0; check < checks; check++) {
      const { Status } = await client.send(new sdk.GetSchemaVersionCommand({ SchemaVersionId: schemaVersionId }), { abortSignal: signal });
      if (Status === 'AVAILABLE') return schemaVersionId;
      if (Status !== 'PENDING')
        throw new AWSSchemaRegistryException(`Schema evolution check failed. schemaVersionId ${schemaVersionId} is in ${Status} status.`);
      await this.#settings.clock.sleep(checkIntervalMs, signal);
      signal.throwIfAborted();
    }
    throw new AWSSchemaRegistryException(`Retries exhausted for schema evolution check for schemaVersionId = ${schemaVersionId}`);
  }

  /** For people who look at the registry; nothing depends on it. */
  async #tellTransport(schemaVersionId: string, topic: string, signal: AbortSignal): Promise<void> {
    const { sdk, client } = await this.#open();
    const MetadataKeyValue = { MetadataKey: 'x-amz-meta-transport', MetadataValue: topic };
    try {
      await client.send(new sdk.PutSchemaVersionMetadataCommand({ SchemaVersionId: schemaVersionId, MetadataKeyValue }), { abortSignal: signal });
    } catch (error) {
      this.#settings.logger.warn('A schema could not be given its topic as metadata', { schemaVersionId, topic, error: String(error) });
    }
  }

  #open() {
    this.#glue ??= import('@aws-sdk/client-glue').then((sdk) => {
      const { region, endpoint } = this.#settings;
      return { sdk, client: new sdk.GlueClient({ ...limits, ...(region === null ? {} : { region }), ...(endpoint === null ? {} : { endpoint }) }) };
    });
    return this.#glue;
  }
}

function isMissing(error: unknown): boolean {
  return (error as Error).name === 'EntityNotFoundException';
}
