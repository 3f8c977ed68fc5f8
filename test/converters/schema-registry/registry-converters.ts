import { type Converter, isPending, NO_HEADERS, type Schema, type SchemaAndValue } from '../../../shared/connect/index.ts';

const { signal } = new AbortController();

/** Runs a conversion as the runtime does: what it waits for is awaited, then it is tried again. */
export async function settled<T>(operation: () => T): Promise<T> {
  for (;;) {
    try {
      return operation();
    } catch (error) {
      if (!isPending(error)) throw error;
      await error.ready(signal);
    }
  }
}

export function write(converter: Converter, topic: string, schema: Schema | null, value: unknown): Promise<Buffer | null> {
  return settled(() => converter.fromConnectData(topic, schema, value, NO_HEADERS) as Buffer | null);
}

export function read(converter: Converter, topic: string, bytes: Buffer | null): Promise<SchemaAndValue> {
  return settled(() => converter.toConnectData(topic, bytes, NO_HEADERS));
}

/** Error messages from the outside in. */
export function messages(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...messages(error.cause)] : [];
}

/** The messages that a conversion fails with. */
export async function failure(conversion: Promise<unknown>): Promise<string[]> {
  try {
    await conversion;
  } catch (error) {
    return messages(error);
  }
  throw new Error('It should have failed');
}
