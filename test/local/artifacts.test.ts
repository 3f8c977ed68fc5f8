import { expect, test } from 'vitest';
import { cacheDirectory, fileName, readArtifactSets } from '../../infra/local/artifacts.ts';

const sets = Object.entries(await readArtifactSets());

test.each(sets)('every file of %s is pinned by size and sum, and has a name of its own', (_, { files }) => {
  expect(files.length).toBeGreaterThan(10);
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
