import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';
import { type ServiceProcess, startServiceProcess, untilReady } from './service-process.ts';

export interface DynamodbOptions {
  readonly java: string;
  readonly jars: string;
  readonly dataDir: string;
  readonly logFile: string;
  /** Gives up the start, and ends what was started. */
  readonly signal?: AbortSignal;
  /** Told as soon as there is a process to be ended. */
  onStarted?(service: ServiceProcess): Promise<void>;
  readonly port: number;
}

/** DynamoDB Local's own main class listens on all addresses of the machine; Jetty's XML puts the same handler on the loopback address. */
const jettyConfiguration = ({ port, dataDir }: DynamodbOptions) => `<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "https://jetty.org/configure_10_0.dtd">
<Configure class="org.eclipse.jetty.server.Server">
  <Arg><New class="java.net.InetSocketAddress"><Arg>127.0.0.1</Arg><Arg type="int">${port}</Arg></New></Arg>
  <Set name="stopAtShutdown">true</Set>
  <Set name="handler">
    <New class="org.eclipse.jetty.server.handler.ContextHandler">
      <Set name="handler">
        <New class="software.amazon.dynamodb.services.local.server.LocalDynamoDBServerHandler">
          <Arg>
            <New class="software.amazon.dynamodb.services.local.server.LocalDynamoDBRequestHandler">
              <Arg type="int">0</Arg>
              <Arg type="boolean">false</Arg>
              <Arg>${xmlText(dataDir)}</Arg>
              <Arg type="boolean">true</Arg>
              <Arg type="boolean">false</Arg>
            </New>
          </Arg>
          <Arg/>
        </New>
      </Set>
    </New>
  </Set>
</Configure>
`;

/** Starts AWS's DynamoDB Local with its data on disk, one database for all regions and credentials; resolves when it answers. */
export async function startDynamodb(options: DynamodbOptions): Promise<ServiceProcess> {
  const { java, jars, dataDir, logFile, port, signal } = options;
  if (!(await readdir(jars)).some((file) => /\.(so|dylib)$/.test(file))) {
    throw new StartupError(
      `DynamoDB Local has no SQLite library for ${process.platform}-${process.arch}: start it elsewhere (its Docker image has one) and name it with --dynamodb URL.`,
    );
  }
  await mkdir(dataDir, { recursive: true });
  const config = join(dataDir, 'jetty.xml');
  await writeFile(config, jettyConfiguration(options));
  const service = await startServiceProcess({
    title: 'DynamoDB Local',
    command: java,
    // What a list of a thousand connectors reads is young garbage: with less room it takes twice as long.
    args: ['-Xmx512m', '-Xmn256m', '-XX:+UseSerialGC', `-Djava.library.path=${jars}`, '-cp', join(jars, '*'), 'org.eclipse.jetty.xml.XmlConfiguration', config],
    cwd: dataDir,
    logFile,
  });
  await options.onStarted?.(service);
  await untilReady(service, () => answers(`http://127.0.0.1:${port}`), 60_000, signal);
  return service;
}

/** True when a DynamoDB answers there: it refuses a request that names no operation with status 400. */
export async function answers(endpoint: string): Promise<boolean> {
  return fetch(endpoint, { method: 'POST', signal: AbortSignal.timeout(3000) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status < 500;
    },
    () => false,
  );
}

const xmlText = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
