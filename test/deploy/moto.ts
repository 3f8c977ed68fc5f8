import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../../infra/local/artifacts.ts';
import { freePorts } from '../../infra/local/ports.ts';
import { startServiceProcess } from '../../infra/local/services/service-process.ts';

const run = promisify(execFile);
/** Moto acts AWS's control plane. Its version is pinned: what it knows of CloudFormation grows. */
const version = '5.2.5';

/** AWS on this machine. */
export interface Moto {
  /** Where its API is. By name, because Moto reads buckets out of addresses. */
  readonly endpoint: string;
  /** What a client, and the CDK's command line, need to speak to it. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Why Moto cannot run here; null when it can. Installs it into the cache the first time. */
export async function provideMoto(): Promise<string | null> {
  try {
    await access(serverPath());
    return null;
  } catch {
    // Not there yet.
  }
  try {
    await run('python3', ['-m', 'venv', folder()]);
    await run(join(folder(), 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', `moto[server]==${version}`], { timeout: 240_000 });
    return null;
  } catch (error) {
    return `Moto ${version} cannot be installed (it needs python3 with venv, and PyPI): ${(error as Error).message.split('\n')[0]}`;
  }
}

export async function startMoto(logFile: string): Promise<Moto> {
  const { moto: motoPort, front: port } = await freePorts(['moto', 'front'] as const);
  const service = await startServiceProcess({ title: 'Moto', command: serverPath(), args: ['-H', '127.0.0.1', '-p', String(motoPort)], logFile });
  const front = await startFront(port, motoPort);
  const endpoint = `http://localhost:${port}`;
  for (
    let attempt = 0;
    !(await fetch(`${endpoint}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    ));
    attempt++
  ) {
    if (attempt === 150) throw new Error(`Moto does not answer; see ${logFile}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  return {
    endpoint,
    env,
    async stop() {
      front.close();
      front.closeAllConnections();
      await service.stop();
    },
  };
}

/**
 * Passes everything on, and mends what Moto answers about a change set that is gone: AWS says that it was not found, and minds no deletion of
 * it; Moto speaks of a stack, or breaks. Without it no stack could be changed by the CDK's command line.
 */
async function startFront(port: number, motoPort: number): Promise<Server> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const action = /(?:^|&)Action=(\w+)/.exec(body.subarray(0, 65_536).toString('latin1'))?.[1];
    const passed = request({ host: '127.0.0.1', port: motoPort, method: incoming.method, path: incoming.url, headers: incoming.headers }, async (answer) => {
      const status = answer.statusCode ?? 500;
      if (status < 400 || (action !== 'DescribeChangeSet' && action !== 'DeleteChangeSet')) {
        outgoing.writeHead(status, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      answer.resume();
      const [code, text] =
        action === 'DeleteChangeSet'
          ? [200, '<DeleteChangeSetResponse><DeleteChangeSetResult/></DeleteChangeSetResponse>']
          : [404, '<ErrorResponse><Error><Type>Sender</Type><Code>ChangeSetNotFound</Code><Message>It is gone</Message></Error></ErrorResponse>'];
      outgoing.writeHead(code, { 'content-type': 'text/xml' }).end(text);
    });
    passed.once('error', () => outgoing.destroy());
    passed.end(body);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function folder(): string {
  return join(cacheDirectory(), `moto-${version}`);
}

function serverPath(): string {
  return join(folder(), 'bin', 'moto_server');
}
