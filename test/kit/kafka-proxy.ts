import net from 'node:net';

/** A way to a broker that can fail as networks do. */
export interface KafkaProxy {
  readonly port: number;
  /** How many connections were made so far. */
  connections(): number;
  /** Ends all connections for both sides; returns how many there were. */
  cut(): number;
  /** Lets all connections that there are go silent for both sides, without a word: as after a thaw, or behind a gateway that forgot them. */
  swallow(): void;
  close(): void;
}

/**
 * Starts a proxy before the first of `brokers` (`host:port`, of the loopback address). It stands between client and
 * broker for every connection, because it rewrites the broker's own port in metadata to its own (both have as many bytes).
 */
export async function startKafkaProxy(brokers: string): Promise<KafkaProxy> {
  const brokerPort = Number(/:(\d+)/.exec(brokers)?.[1]);
  const pairs = new Set<{ client: net.Socket; broker: net.Socket }>();
  let connections = 0;
  const server = net.createServer((client) => {
    connections++;
    const broker = net.connect({ host: '127.0.0.1', port: brokerPort });
    const pair = { client, broker };
    pairs.add(pair);
    for (const socket of [client, broker]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        broker.destroy();
      });
    }
    client.pipe(broker);
    broker.on('data', (data) => {
      client.write(redirected(data, brokerPort, port));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const cut = () => {
    const { size } = pairs;
    for (const { client } of [...pairs]) client.destroy();
    return size;
  };
  return {
    port,
    connections: () => connections,
    cut,
    swallow() {
      for (const { client, broker } of pairs) {
        client.unpipe(broker);
        for (const socket of [client, broker]) socket.removeAllListeners('data').on('data', () => {});
      }
    },
    close() {
      server.close();
      cut();
    },
  };
}

// In metadata a broker's address is its host as a string and its port in four bytes.
function redirected(data: Buffer, from: number, to: number): Buffer {
  const address = Buffer.concat([Buffer.from([0, 9]), Buffer.from('127.0.0.1'), Buffer.alloc(4)]);
  address.writeInt32BE(from, 11);
  for (let at = data.indexOf(address); at >= 0; at = data.indexOf(address, at + 1)) data.writeInt32BE(to, at + 11);
  return data;
}
