import { once } from 'node:events';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CredentialsFile } from '../../functions/rest-api/credentials-file.ts';
import { requestOf, resultOf } from '../../functions/rest-api/http.ts';
import { serve } from '../../functions/rest-api/rest-server.ts';
import { restSettings } from '../../functions/rest-api/rest-settings.ts';
import type { EnvironmentPool } from '../../infra/local/lambda-host/environment-pool.ts';
import { createHttpFront, type HttpFrontOptions } from '../../infra/local/lambda-host/http-front.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import type { ClusterAdmin } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import type { Storage } from '../../shared/storage/ports.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { collectingLogger } from './contexts.ts';
import { ManualClock } from './storage.ts';

export interface RestServer {
  readonly url: string;
  readonly adminUrl: string;
  readonly storage: Storage;
  stop(): Promise<void>;
}

export interface HttpAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The REST API over memory, behind the HTTP of one machine: on both listeners, in this process. */
export async function startRestServer(
  worker: Readonly<Record<string, string>> = {},
  { credentials = null, ...front }: { credentials?: CredentialsFile | null } & Pick<HttpFrontOptions, 'pages' | 'allowsHost'> = {},
): Promise<RestServer> {
  const clock = new ManualClock();
  const storage = createMemoryStorage(clock);
  const admin: Partial<ClusterAdmin> = { clusterId: async () => 'test', partitionCounts: async () => new Map(), close: async () => {} };
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  const logger = collectingLogger();
  const herder = new Herder({
    storage,
    kafka: { ...createKafkaClients({ 'bootstrap.servers': 'nowhere:1' }, logger), admin: () => admin as ClusterAdmin },
    plugins,
    worker: { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text, ...worker },
    clock,
    logger,
    workerId: 'api-1',
  });
  const options = { herder, logger, credentials, ...restSettings(worker) };
  const pool: Pick<EnvironmentPool, 'invokeWhenPossible'> = {
    invokeWhenPossible: async (_name, payload) => ({ payload: JSON.stringify(resultOf(await serve(requestOf(JSON.parse(payload)), options))), error: null }),
  };
  const fronts = [front, { ...front, stageVariables: { listener: 'admin' } }].map((each) => createHttpFront('rest-api', () => pool as EnvironmentPool, each));
  const urls = await Promise.all(fronts.map(listen));
  return {
    url: urls[0] as string,
    adminUrl: urls[1] as string,
    storage,
    async stop() {
      for (const front of fronts) front.close().closeAllConnections();
    },
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One request with exactly these headers: `fetch` adds some, and refuses others. */
export function send(method: string, url: string, headers: Readonly<Record<string, string>> = {}, body = ''): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method, headers: body === '' || 'transfer-encoding' in headers ? headers : { 'content-length': String(Buffer.byteLength(body)), ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
