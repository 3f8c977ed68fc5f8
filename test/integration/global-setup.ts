import { startTestServers } from './test-servers.ts';

/** For a run of vitest by itself: starts the real servers that the environment does not name. The test command names them all. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  const { KAFKA_BROKERS, DYNAMODB_ENDPOINT, DATABASE_URL } = process.env;
  if (KAFKA_BROKERS && DYNAMODB_ENDPOINT && DATABASE_URL !== undefined) return;
  const servers = await startTestServers(process.env, (line) => console.error(line));
  Object.assign(process.env, servers.env);
  return () => servers.stop();
}
