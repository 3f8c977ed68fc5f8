import http from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { RegistryUnreachable } from './registry-errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly tls?: ConnectionOptions;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * One request, whatever the status of its answer. Rejects with RegistryUnreachable when there is none. Connections are not
 * kept: requests are rare, and a frozen function would find them dead.
 */
export function httpRequest({ method, url, headers, body, connectTimeoutMs, readTimeoutMs, tls, signal }: HttpRequest): Promise<HttpResponse> {
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const fail = (error: unknown, timedOut = false) =>
      reject(
        new RegistryUnreachable(error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error), timedOut, {
          cause: error,
        }),
      );
    const options = {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }) },
      signal,
      agent: false as const,
    };
    const request = secure ? https.request(url, { ...options, ...tls }) : http.request(url, options);
    request.setTimeout(Math.max(1, connectTimeoutMs), () => request.destroy(Object.assign(new Error('connect timed out'), { timedOut: true })));
    request.on('socket', (socket) => socket.once(secure ? 'secureConnect' : 'connect', () => socket.setTimeout(Math.max(1, readTimeoutMs))));
    request.on('error', (error) => fail(error, (error as { timedOut?: boolean }).timedOut === true));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    request.end(body);
  });
}
