import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { directoryConfigProvider } from '../../shared/config-providers/directory-config-provider.ts';
import { envVarConfigProvider } from '../../shared/config-providers/env-var-config-provider.ts';
import { fileConfigProvider } from '../../shared/config-providers/file-config-provider.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'));
  await mkdir(join(folder, 'open'));
  await writeFile(join(folder, 'open', 'db.properties'), 'user = ann\npassword: p\\u00e4ss=1\n');
  await writeFile(join(folder, 'open', 'token'), 'abc\n');
  await writeFile(join(folder, 'secret'), 'hidden');
});
afterAll(() => rm(folder, { recursive: true }));

const keys = (...names: string[]) => new Set(names);

describe('FileConfigProvider', () => {
  test('reads values of a properties file and leaves out what is not there', async () => {
    const provider = fileConfigProvider.create({});
    expect(await provider.get(join(folder, 'open', 'db.properties'), keys('password', 'none'))).toEqual({ data: { password: 'päss=1' } });
  });

  test('reads nothing outside of the allowed paths, also not by way of ..', async () => {
    const provider = fileConfigProvider.create({ 'allowed.paths': join(folder, 'open') });
    expect(await provider.get(join(folder, 'open', 'db.properties'), keys('user'))).toEqual({ data: { user: 'ann' } });
    expect(await provider.get(`${folder}/open/../secret`, keys('user'))).toEqual({ data: {} });
    expect(await provider.get(`${folder}/open-too`, keys('user'))).toEqual({ data: {} });
  });

  test('names a file that cannot be read, and an allowed path that is not there', async () => {
    await expect(fileConfigProvider.create({}).get('/no/such/file', keys('a'))).rejects.toThrow('Could not read properties from file /no/such/file');
    expect(() => fileConfigProvider.create({ 'allowed.paths': 'relative' })).toThrow('Path relative is not absolute');
    expect(() => fileConfigProvider.create({ 'allowed.paths': '/no/such/folder' })).toThrow('Path /no/such/folder does not exist');
  });
});

describe('DirectoryConfigProvider', () => {
  test('reads files by their names and does not leave the folder', async () => {
    const provider = directoryConfigProvider.create({});
    expect(await provider.get(join(folder, 'open'), keys('token', 'none', '../secret', '..'))).toEqual({ data: { token: 'abc\n' } });
  });
});

describe('EnvVarConfigProvider', () => {
  test('reads variables that the pattern allows', async () => {
    process.env['SLUICE_TEST_A'] = 'a';
    process.env['OTHER_TEST_A'] = 'b';
    const provider = envVarConfigProvider.create({ 'allowlist.pattern': 'SLUICE_.*' });
    expect(await provider.get('', keys('SLUICE_TEST_A', 'OTHER_TEST_A', 'SLUICE_TEST_NONE'))).toEqual({ data: { SLUICE_TEST_A: 'a' } });
    await expect(provider.get('/x', keys('A'))).rejects.toThrow('Path is not supported');
  });
});
