import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

interface LockEntry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lockFile = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8'));
const packages: Readonly<Record<string, LockEntry>> = lockFile.packages;

/** Where Node would find a package from another: in its own node_modules folder, or in one further up. */
function findEntry(from: string, name: string): LockEntry | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const found = packages[`${base}${base && '/'}node_modules/${name}`];
    if (found || !base) return found;
  }
}

test('every package for another platform is in the lock file too, or npm ci would refuse it', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !findEntry(path, name)?.version)
      .map((name) => `${name} of ${path}`),
  );
  expect(missing).toEqual([]);
});

test('no address of a registry is in the lock file', () => {
  expect(Object.values(packages).filter((entry) => 'resolved' in entry)).toEqual([]);
});
