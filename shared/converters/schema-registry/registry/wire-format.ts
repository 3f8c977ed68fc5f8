import { SerializationException } from '../../serialization-exception.ts';

/** A message begins with a magic byte and the id of its schema; what follows is the format's own. */
export const HEADER_LENGTH = 5;
const GUID_LENGTH = 17;

/** The id that a message begins with: a number, or a GUID as text. Throws SerializationException. */
export function schemaIdOf(bytes: Buffer): number | string {
  const magic = bytes[0];
  if (magic === 0 && bytes.length >= HEADER_LENGTH) return bytes.readInt32BE(1);
  if (magic === 1 && bytes.length >= GUID_LENGTH) return bytes.toString('hex', 1, GUID_LENGTH).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const cause =
    magic === undefined || magic === 0 || magic === 1 ? new RangeError(`The message has ${bytes.length} bytes only`) : new RangeError('Unknown magic byte!');
  throw new SerializationException('Error deserializing schema ID', { cause });
}

/** How long the beginning of a message with this id is. */
export function headerLength(id: number | string): number {
  return typeof id === 'number' ? HEADER_LENGTH : GUID_LENGTH;
}

/** The beginning of messages with this schema. */
export function header(id: number): Buffer {
  const bytes = Buffer.alloc(HEADER_LENGTH);
  bytes.writeInt32BE(id, 1);
  return bytes;
}
