import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPluginPath } from '../../infra/local/plugin-path.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-plugins-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('modules, packages and installed packages are taken; folders of jars are left out', async () => {
  await mkdir(join(folder, 'jars'));
  await mkdir(join(folder, 'package'));
  await writeFile(join(folder, 'package/package.json'), '{"name": "mine", "main": "plugins.js"}');
  await writeFile(join(folder, 'package/plugins.js'), '');
  await mkdir(join(folder, 'node_modules/installed'), { recursive: true });
  await writeFile(join(folder, 'node_modules/installed/index.js'), '');
  const { modules, ignored } = readPluginPath('./mine.ts, package,installed,jars,/usr/share/java', folder);
  expect(modules).toEqual(['mine.ts', 'package/plugins.js', 'node_modules/installed/index.js'].map((path) => join(folder, path)));
  expect(ignored).toEqual(['jars', '/usr/share/java']);
});

test('no plugin.path is an empty one', () => {
  expect(readPluginPath(undefined)).toEqual({ modules: [], ignored: [] });
});
