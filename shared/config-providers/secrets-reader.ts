import { ConfigException } from '../connect/index.ts';
import { type NamedReader, RegionalReader } from './aws-service.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Reads secrets of Secrets Manager; the SDK is loaded with the first one. `credentials`: others than the function's own. */
export function secretsReader(settings: { region: string | null; endpoint: string | null }, credentials?: Credentials): RegionalReader {
  return new RegionalReader(settings, async (options): Promise<NamedReader> => {
    const { SecretsManagerClient, GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const client = new SecretsManagerClient({ ...options, ...(credentials ? { credentials } : {}) });
    return {
      async get(name) {
        const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: name }));
        return SecretString ?? (SecretBinary && Buffer.from(SecretBinary).toString('utf8'));
      },
      close: () => client.destroy(),
    };
  });
}

/** The JSON object that a secret is. Throws ConfigException for another. */
export function parseSecret(name: string, text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text ?? '');
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, unknown>;
  } catch {
    // What was in it is a secret: the parser's message would quote it.
  }
  throw new ConfigException(`The secret ${name} must be a JSON object of keys and values, as {"username": …, "password": …}`);
}

/** A value as text: of a key of the object, or, where there is none of that name, of objects within it with dots between. Undefined: not there. */
export function secretValue(object: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const found = Object.hasOwn(object, key) ? object[key] : nested(object, key.split('.'));
  if (found === undefined || found === null) return undefined;
  return typeof found === 'string' ? found : JSON.stringify(found);
}

function nested(object: unknown, [first = '', ...rest]: readonly string[]): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, first)) return undefined;
  const value = (object as Record<string, unknown>)[first];
  return rest.length === 0 ? value : nested(value, rest);
}
