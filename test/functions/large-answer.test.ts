import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { withinLimit } from '../../functions/rest-api/large-answer.ts';

/** An answer whose body has so many bytes, half of them quotes, which take two bytes each in a function's own answer. */
const answerOf = (bytes: number) => ({ statusCode: 200, headers: { 'content-type': 'application/json' }, body: '"x'.repeat(bytes / 2) });
/** The same of what no compression makes much shorter. */
const random = (bytes: number) => ({ statusCode: 200, headers: {}, body: randomBytes(bytes).toString('base64') });

describe('answers of thousands of connectors', () => {
  test('that are small stay as they are', () => {
    const small = answerOf(2_000_000);
    expect(withinLimit(small, { 'accept-encoding': 'gzip' })).toBe(small);
    expect(withinLimit({ statusCode: 204 }, {})).toEqual({ statusCode: 204 });
  });

  test('that are large are compressed for clients that take it, and hold the same', () => {
    const large = answerOf(12_000_000);
    for (const accepted of ['gzip', 'deflate, gzip;q=0.5', 'br, *']) {
      const answer = withinLimit(large, { 'accept-encoding': accepted });
      expect(answer).toMatchObject({
        statusCode: 200,
        isBase64Encoded: true,
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', vary: 'accept-encoding' },
      });
      expect(gunzipSync(Buffer.from(answer.body ?? '', 'base64')).toString() === large.body).toBe(true);
    }
  });

  test('go as they are to others while the function may answer so much, quotes counted twice', () => {
    const large = answerOf(4_000_000);
    for (const accepted of [undefined, 'identity', 'gzip;q=0', 'br']) expect(withinLimit(large, { 'accept-encoding': accepted })).toBe(large);
    for (const { statusCode, body } of [withinLimit(answerOf(4_400_000), {}), withinLimit(random(12_000_000), { 'accept-encoding': 'gzip' })]) {
      expect(statusCode).toBe(413);
      expect(JSON.parse(body ?? '')).toMatchObject({ error_code: 413, message: expect.stringContaining('Accept-Encoding: gzip') });
    }
  });
});
