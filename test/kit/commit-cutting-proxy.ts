import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** When a connection ends: before the server hears of the commit, or when it has done it and before its answer is passed on. */
export type Cut = 'before' | 'after';

/** Stands before a PostgreSQL, and cuts a connection at a commit when it is told to. */
export class CommitCuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next: Cut | null = null;
  #closes = false;
  #closed = false;
  /** Connections that were cut. */
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(host: string, port: number): Promise<CommitCuttingProxy> {
    const server = createServer();
    const proxy = new CommitCuttingProxy(server);
    server.on('connection', (client) => proxy.#accept(client, connect(port, host)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts at the next commit. `closes`: and lets nobody through until `open`. */
  cutNext(when: Cut, { closes = false } = {}): void {
    this.#next = when;
    this.#closes = closes;
  }

  open(): void {
    this.#closed = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket, server: Socket): void {
    if (this.#closed) {
      client.destroy();
      server.destroy();
      return;
    }
    let answerIsLost = false;
    const cut = () => {
      this.cuts++;
      this.#closed = this.#closes;
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => {
      const when = data.includes('COMMIT') ? this.#next : null;
      if (when !== null) this.#next = null;
      if (when === 'before') return cut();
      answerIsLost ||= when === 'after';
      server.write(data);
    });
    server.on('data', (data) => {
      if (answerIsLost) cut();
      else client.write(data);
    });
  }
}
