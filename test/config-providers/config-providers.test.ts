import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directoryConfigProvider } from '../../shared/config-providers/directory-config-provider.ts';
import { envVarConfigProvider } from '../../shared/config-providers/env-var-config-provider.ts';
import { fileConfigProvider } from '../../shared/config-providers/file-config-provider.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-providers-'));
  await writeFile(join(folder, 'db.properties'), '# secrets\npassword = s3cret\\u0021\nuser:me\n');
  await writeFile(join(folder, 'token'), 'abc\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe('config providers', () => {
  test('a properties file gives the keys that it has', async () => {
    const { data } = await fileConfigProvider.create({}).get(join(folder, 'db.properties'), new Set(['password', 'user', 'none']));
    expect(data).toEqual({ password: 's3cret!', user: 'me' });
  });

  test('a file that cannot be read is an error that names it', async () => {
    await expect(fileConfigProvider.create({}).get(join(folder, 'nope'), new Set(['x']))).rejects.toThrow(/Could not read properties from file .*nope/);
  });

  test('nothing is read outside of the allowed paths, also by ..', async () => {
    const provider = fileConfigProvider.create({ 'allowed.paths': '/nowhere' });
    expect((await provider.get(join(folder, 'db.properties'), new Set(['password']))).data).toEqual({});
    const inside = fileConfigProvider.create({ 'allowed.paths': join(folder, 'sub') });
    expect((await inside.get(join(folder, 'sub', '..', 'db.properties'), new Set(['password']))).data).toEqual({});
    expect(() => fileConfigProvider.create({ 'allowed.paths': 'relative' })).toThrow(/not absolute/);
  });

  test('a folder gives whole files, and never one outside of it', async () => {
    const { data } = await directoryConfigProvider.create({}).get(folder, new Set(['token', 'none', '../token']));
    expect(data).toEqual({ token: 'abc\n' });
  });

  test('environment variables can be limited by a pattern', async () => {
    process.env['SLUICE_TEST_SECRET'] = 'x';
    const keys = new Set(['SLUICE_TEST_SECRET', 'PATH']);
    expect((await envVarConfigProvider.create({ 'allowlist.pattern': 'SLUICE_.*' }).get('', keys)).data).toEqual({ SLUICE_TEST_SECRET: 'x' });
    await expect(envVarConfigProvider.create({}).get('some/path', keys)).rejects.toThrow(/Path is not supported/);
  });
});
