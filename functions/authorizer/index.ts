import { timingSafeEqual } from 'node:crypto';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import middy from '@middy/core';
import type { APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerResult } from 'aws-lambda';

/** A secret is read again after this time, so that a rotated password works without a deployment. */
const keepMs = 5 * 60_000;
/** A wrong password makes it be read again, but not more often than this. */
const doubtMs = 10_000;

const client = new SecretsManagerClient({});
let known: { expected: Buffer; readAt: number } | null = null;

/** Basic authentication for API Gateway (payload 2.0, simple responses): user and password are in one secret, `{"username": …, "password": …}`. */
export const handler = middy<APIGatewayRequestAuthorizerEventV2, APIGatewaySimpleAuthorizerResult>().handler(async (event) => {
  const given = /^basic\s+(\S+)$/i.exec(event.headers?.['authorization'] ?? '')?.[1];
  if (given === undefined) return { isAuthorized: false };
  const credentials = Buffer.from(given, 'base64');
  if (equal(credentials, await expected(keepMs))) return { isAuthorized: true };
  return { isAuthorized: equal(credentials, await expected(doubtMs)) };
});

/** `user:password` as the secret has them, at most so old. */
async function expected(maxAgeMs: number): Promise<Buffer> {
  if (known !== null && Date.now() - known.readAt < maxAgeMs) return known.expected;
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: process.env['SLUICE_API_SECRET'] }));
  const { username, password } = JSON.parse(SecretString ?? '{}') as { username?: string; password?: string };
  if (!username || !password) throw new Error('The secret of the API must be JSON with username and password');
  known = { expected: Buffer.from(`${username}:${password}`), readAt: Date.now() };
  return known.expected;
}

function equal(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
