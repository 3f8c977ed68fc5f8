import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseConnectorFile, readConnectorFile } from '../../infra/local/spec-files.ts';

const config = { 'connector.class': 'FileStreamSource', file: '/tmp/a', topic: 't' };

test('a flat JSON object is a config with its name among the keys', () => {
  const text = JSON.stringify({ name: 'a', ...config, 'tasks.max': 1, 'a.flag': true });
  expect(parseConnectorFile('a.json', text)).toEqual({
    path: 'a.json',
    name: 'a',
    config: { name: 'a', ...config, 'tasks.max': '1', 'a.flag': 'true' },
    initialState: null,
  });
});

test('a JSON object as the REST API takes it brings name, config and initial state', () => {
  const text = JSON.stringify({ name: 'a', config, initial_state: 'stopped' });
  expect(parseConnectorFile('a.json', text)).toEqual({ path: 'a.json', name: 'a', config: { name: 'a', ...config }, initialState: 'STOPPED' });
});

test('properties are read whatever the file is called', () => {
  const text = 'name=a\nconnector.class=FileStreamSource\nfile=/tmp/a\ntopic : t\n';
  expect(parseConnectorFile('a.conf', text)).toEqual({ path: 'a.conf', name: 'a', config: { name: 'a', ...config }, initialState: null });
});

test.each([
  ['no name', JSON.stringify(config), /a\.json has no name/],
  ['no class', '{"name": "a"}', /a\.json has no connector\.class/],
  ['two names', JSON.stringify({ name: 'a', config: { ...config, name: 'b' } }), /two names: 'a', and 'b' in its config/],
  ['a state that there is not', JSON.stringify({ name: 'a', config, initial_state: 'IDLE' }), /initial_state 'IDLE'; it must be RUNNING, PAUSED or STOPPED/],
  ['a key beside config that there is not', JSON.stringify({ name: 'a', config, offsets: {} }), /unknown key 'offsets'/],
  ['a nested value', JSON.stringify({ name: 'a', config: { ...config, x: {} } }), /something other than a text under 'x'/],
  ['broken JSON', '{"name": "a",', /a\.json is not valid JSON/],
  ['a list', '[]', /must hold one JSON object/],
])('%s is refused with the path of the file', (_, text, message) => {
  expect(() => parseConnectorFile('a.json', text)).toThrow(message);
});

test('a missing file is told by its path', async () => {
  await expect(readConnectorFile('nowhere.json')).rejects.toThrow('The spec file nowhere.json cannot be read: there is no such file.');
});

test('the examples are spec files', async () => {
  const folder = new URL('../../examples/weather/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(parseConnectorFile(file, await readFile(new URL(file, folder), 'utf8')).name).toBe(file.replace('.json', ''));
});
