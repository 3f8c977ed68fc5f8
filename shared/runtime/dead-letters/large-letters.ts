import { createHash } from 'node:crypto';
import { ConnectException } from '../../connect/errors.ts';
import type { DeadLetter } from './dead-letter.ts';
import { letterOfText, letterText } from './letter-text.ts';
import type { LetterBucket } from './ports.ts';

/** What is kept of texts in a letter that has to be small. */
const longestText = 4_000;
/** What is left of a key that is itself too large. */
const longestKey = 1_024;

/** Makes letters small that are larger than their queue takes: by a claim check, when there is a bucket, or with the knife. */
export class LargeLetters {
  readonly #bucket: LetterBucket | null;
  readonly #claims: { readonly bucket: string; readonly prefix: string } | null;

  constructor(bucket: LetterBucket | null, claims: { readonly bucket: string; readonly prefix: string } | null) {
    this.#bucket = bucket;
    this.#claims = claims;
  }

  /** The letter with about `maxBytes` of its record: a pointer to the whole of it, which is safe then, or the beginning of its value. */
  async reduce(letter: DeadLetter, maxBytes: number): Promise<DeadLetter> {
    const small = { ...letter, message: shortened(letter.message), trace: shortened(letter.trace), headers: [] };
    const key = letter.key !== null && letter.key.length > longestKey ? letter.key.subarray(0, longestKey) : letter.key;
    if (this.#bucket !== null && this.#claims !== null) {
      const bytes = Buffer.from(letterText(letter));
      const name = objectName(this.#claims.prefix, letter, bytes);
      await this.#bucket.put(name, bytes);
      return { ...small, key, value: null, claim: { bucket: this.#claims.bucket, key: name, bytes: bytes.length } };
    }
    const room = Math.max(0, maxBytes - (key?.length ?? 0) - 2 * longestText);
    return { ...small, key, value: letter.value === null ? null : letter.value.subarray(0, room), cutFrom: letter.value?.length ?? 0 };
  }
}

/** The whole of a letter that has a claim check. Throws ConnectException when it is gone. */
export async function redeem(letter: DeadLetter, bucketOf: (name: string) => LetterBucket): Promise<DeadLetter> {
  if (letter.claim === null) return letter;
  const { bucket, key } = letter.claim;
  const bytes = await bucketOf(bucket).get(key);
  const whole = bytes === null ? null : letterOfText(bytes.toString('utf8'));
  if (whole === null) throw new ConnectException(`The dead letter is in s3://${bucket}/${key}, and there is none there (any more)`);
  return whole;
}

/** The same for the same letter, so that one that is written again takes no more room. */
function objectName(prefix: string, { connector, failedAt }: DeadLetter, bytes: Buffer): string {
  const day = new Date(failedAt ?? 0).toISOString().slice(0, 10);
  return `${prefix}${encodeURIComponent(connector ?? 'unknown')}/${day}/${createHash('sha256').update(bytes).digest('hex')}.json`;
}

function shortened(text: string | null): string | null {
  if (text === null || Buffer.byteLength(text) <= longestText) return text;
  return `${Buffer.from(text).subarray(0, longestText).toString('utf8').toWellFormed()}… (${Buffer.byteLength(text)} bytes)`;
}
