import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';

/** Above this size an answer is compressed where its client takes that: `GET /connectors?expand=…` with thousands of connectors. */
const compressedFrom = 3_000_000;
/** Most bytes that Lambda takes from a function, as JSON. */
const limit = 6 * 1024 * 1024;

/** Fits a large answer into what a function may answer with, or tells what to ask for instead. */
export function withinLimit(
  result: APIGatewayProxyStructuredResultV2,
  headers: Readonly<Record<string, string | undefined>>,
): APIGatewayProxyStructuredResultV2 {
  const { body = '' } = result;
  if (body.length <= compressedFrom) return result;
  if (acceptsGzip(headers['accept-encoding'])) {
    const compressed = gzipSync(body, { level: 1 }).toString('base64');
    const answer = { ...result, headers: { ...result.headers, 'content-encoding': 'gzip', vary: 'accept-encoding' }, body: compressed, isBase64Encoded: true };
    if (fits(answer)) return answer;
  } else if (fits(result)) return result;
  const message =
    'The answer is larger than the 6 MB that a function may answer with. Ask with the header Accept-Encoding: gzip, or for each connector by itself';
  return { statusCode: 413, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error_code: 413, message }) };
}

const fits = (result: APIGatewayProxyStructuredResultV2): boolean => Buffer.byteLength(JSON.stringify(result)) <= limit;

function acceptsGzip(accepted = ''): boolean {
  return accepted.split(',').some((each) => {
    const [coding = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    return (coding === 'gzip' || coding === '*') && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}
