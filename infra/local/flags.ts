import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StartupError } from './startup-error.ts';

export interface Flags {
  /** Null: what the worker file's `listeners` says, or 8083. 0: any free one. */
  readonly port: number | null;
  readonly dataDir: string;
  readonly kafka: string | null;
  readonly dynamodb: string | null;
  readonly workerFile: string | null;
  readonly demo: boolean;
  readonly help: boolean;
  /** Spec files, and folders of them. */
  readonly specs: readonly string[];
}

export const usage = `npm start [-- FLAGS SPEC…]

Runs Sluice on this machine: Kafka, DynamoDB, the functions, and Kafka Connect's REST API.

  SPEC               connector spec files as for Kafka Connect standalone (JSON or .properties), or
                     folders of them; followed while it runs: a changed file changes its connector
  --port N           port of the REST API (8083)
  --data-dir DIR     where everything is kept between starts (.sluice)
  --kafka HOST:PORT  use this Kafka instead of starting one (also KAFKA_BROKERS)
  --dynamodb URL     use this DynamoDB instead of starting one (also AWS_ENDPOINT_URL_DYNAMODB,
                     DYNAMODB_ENDPOINT, or AWS_REGION with credentials for DynamoDB on AWS)
  --worker FILE      a Kafka Connect worker properties file
  --no-demo          leave the demo pipeline out
  --help             this text
`;

const defaultDataDir = fileURLToPath(new URL('../../.sluice', import.meta.url));

/** @throws StartupError (exit code 2) that says what is wrong */
export function parseFlags(args: readonly string[]): Flags {
  const { values, positionals } = parse(args);
  return {
    port: values.port === undefined ? null : portOf(values.port),
    dataDir: resolve(values['data-dir'] ?? defaultDataDir),
    kafka: values.kafka === undefined ? null : brokersOf(values.kafka, '--kafka'),
    dynamodb: values.dynamodb === undefined ? null : urlOf(values.dynamodb, '--dynamodb'),
    workerFile: values.worker ?? null,
    demo: !values['no-demo'],
    help: values.help ?? false,
    specs: positionals,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        'data-dir': { type: 'string' },
        kafka: { type: 'string' },
        dynamodb: { type: 'string' },
        worker: { type: 'string' },
        'no-demo': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    const { message } = error as Error;
    throw new StartupError(`${message.split('. ')[0]?.replace(/\.$/, '')}: see npm start -- --help.`, 2, { cause: error });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new StartupError(`--port must be a number from 0 to 65535, not '${text}'.`, 2);
  return port;
}

/** @throws StartupError unless it is `host:port`, or several with commas between them */
export function brokersOf(text: string, source: string): string {
  const fine = text.split(',').every((broker) => /^\S+:\d{1,5}$/.test(broker.trim()));
  if (!fine) throw new StartupError(`${source} must be HOST:PORT, or several with commas between them, not '${text}'.`, 2);
  return text
    .split(',')
    .map((broker) => broker.trim())
    .join(',');
}

/** @throws StartupError unless it is an http or https URL */
export function urlOf(text: string, source: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) throw new StartupError(`${source} must be a URL such as http://127.0.0.1:8000, not '${text}'.`, 2);
  return text;
}
