import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { cacheDirectory, fileName, provideArtifacts, readArtifactSets } from '../../infra/local/artifacts.ts';

const sets = Object.entries(await readArtifactSets());

test.each(sets)('every file of %s is pinned by size and sum, and has a name of its own', (_, { files }) => {
  expect(files.length).toBeGreaterThan(0);
  for (const { artifact, bytes, sha256 } of files) {
    expect(artifact).toMatch(/^[\w.-]+:[\w.-]+:[\w.-]+(:[\w.]+)?$/);
    expect(bytes).toBeGreaterThan(0);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }
  expect(new Set(files.map(fileName)).size).toBe(files.length);
});

test.each(sets)('what %s asks for is in its list, natives on their platforms', (_, { roots, natives, files }) => {
  const pinned = new Map(files.map((file) => [file.artifact, file]));
  for (const root of roots) expect(pinned.has(root)).toBe(true);
  for (const [native, platform] of Object.entries(natives)) expect(pinned.get(native)?.platform).toBe(platform);
});

test.each([
  [{ SLUICE_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
  [{ XDG_CACHE_HOME: '/b' }, '/b/sluice'],
])('downloads for %o are kept in %s', (env, folder) => {
  expect(cacheDirectory(env)).toBe(folder);
});

describe('from a repository that does not have them', () => {
  let folder: string;
  let repository: Server;
  const answer = { status: 404, body: '' };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'));
    repository = createServer((_, response) => response.writeHead(answer.status).end(answer.body));
    await new Promise<void>((resolve) => repository.listen({ host: '127.0.0.1', port: 0 }, resolve));
    vi.stubEnv('HOME', folder);
    vi.stubEnv('SLUICE_CACHE', join(folder, 'cache'));
    vi.stubEnv('MAVEN_REPOSITORY_URL', `http://127.0.0.1:${(repository.address() as { port: number }).port}/maven`);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    repository.close();
    await rm(folder, { recursive: true });
  });

  test.each([
    [{ status: 404, body: '' }, /^Apache Kafka [\d.]+ could not be downloaded: \S+\.jar answers 404\. Check the network, or set MAVEN_REPOSITORY_URL/],
    [{ status: 200, body: 'a captive portal' }, /has SHA-256 [0-9a-f]{64} instead of [0-9a-f]{64}/],
  ])('the answer %o is told, and nothing of it is kept', async (next, message) => {
    Object.assign(answer, next);
    await expect(provideArtifacts('kafka', () => {})).rejects.toThrow(message);
    const kept = await readdir(join(folder, 'cache'), { recursive: true });
    expect(kept.filter((file) => /\.(jar|part)$/.test(file))).toEqual([]);
  });
});
