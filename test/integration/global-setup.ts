import { startTestServers } from './test-servers.ts';

/** For a run of vitest by itself: starts the real servers that the environment does not name. The test command names them all. */
export async function setup(): Promise<() => Promise<void>> {
  const servers = await startTestServers(process.env, (line) => console.error(line));
  Object.assign(process.env, servers.env);
  return () => servers.stop();
}
