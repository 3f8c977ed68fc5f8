import { connect, createServer } from 'node:net';

/** True when nothing on this machine listens on the port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Free ports, all different; those of `wanted` that are free are taken as they are. */
export async function freePorts<Name extends string>(names: readonly Name[], wanted: Partial<Record<Name, number>> = {}): Promise<Record<Name, number>> {
  const ports: Partial<Record<Name, number>> = {};
  const held: { close(): void }[] = [];
  for (const name of names) {
    const port = wanted[name];
    if (port !== undefined && !Object.values(ports).includes(port) && (await isFree(port))) ports[name] = port;
  }
  for (const name of names) {
    if (ports[name] !== undefined) continue;
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host: '127.0.0.1', port: 0 }, resolve));
    held.push(server);
    ports[name] = (server.address() as { port: number }).port;
  }
  for (const server of held) server.close();
  return ports as Record<Name, number>;
}

/** True when something accepts a connection there within the time. */
export function accepts(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
