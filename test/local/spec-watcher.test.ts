import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RefusedSpecError } from '../../infra/local/rest.ts';
import type { ConnectorFile } from '../../infra/local/spec-files.ts';
import { readSpecFiles, SpecWatcher, specPaths } from '../../infra/local/spec-watcher.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-specs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const path = (name: string) => join(folder, name);
const spec = (name: string, topic: string) => JSON.stringify({ name, config: { 'connector.class': 'FileStreamSource', topic } });

/** A watcher of what is in the folder now, after it was applied. What it applies is `name=topic`; a topic `409` or `400` is refused so. */
async function watcher(...given: string[]) {
  const paths = await specPaths(given.map(path));
  const applied: string[] = [];
  const told: string[] = [];
  const busy = { times: 0 };
  const rest = {
    async apply({ path: file, name, config }: ConnectorFile) {
      if (config['topic'] === '400') throw new RefusedSpecError(file, { status: 400, body: '{"error_code":400,"message":"no such topic"}' });
      if (busy.times-- > 0) throw new RefusedSpecError(file, { status: 409, body: '{"error_code":409,"message":"busy"}' });
      applied.push(`${name}=${config['topic']}`);
    },
  };
  const progress = (line: string) => void told.push(line.replaceAll(`${folder}/`, ''));
  const watching = new SpecWatcher({ paths, applied: await readSpecFiles(paths), rest, progress });
  await watching.look();
  return {
    busy,
    look: () => watching.look(),
    /** What was applied and told after two looks, which is when a change counts. */
    async settled() {
      await watching.look();
      await watching.look();
      return { applied: applied.splice(0), told: told.splice(0) };
    },
  };
}

test('a changed file changes its connector, once, and files that nobody touched are left alone', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  await writeFile(path('b.properties'), 'name=b\nconnector.class=FileStreamSource\ntopic=1\n');
  const { settled } = await watcher('a.json', 'b.properties');
  expect(await settled()).toEqual({ applied: [], told: [] });
  await writeFile(path('a.json'), spec('a', '2'));
  expect(await settled()).toEqual({ applied: ['a=2'], told: ['Applied a of a.json'] });
  expect(await settled()).toEqual({ applied: [], told: [] });
});

test('a file that is being written is left until it is done', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  const { look, settled } = await watcher('a.json');
  for (const topic of ['2', '33', '444']) {
    await writeFile(path('a.json'), spec('a', topic).slice(0, -3));
    await look();
    await writeFile(path('a.json'), spec('a', `${topic}5`));
    await look();
  }
  expect(await settled()).toEqual({ applied: ['a=4445'], told: ['Applied a of a.json'] });
});

test('a file that an editor puts in the place of the old one is followed, and what a link points to as well', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  await writeFile(path('v1'), spec('l', '1'));
  await writeFile(path('v2'), spec('l', '2'));
  await symlink('v1', path('link.json'));
  const { settled } = await watcher('a.json', 'link.json');
  await writeFile(path('a.json~'), spec('a', '2'));
  await rename(path('a.json~'), path('a.json'));
  await symlink('v2', path('new-link'));
  await rename(path('new-link'), path('link.json'));
  expect((await settled()).applied).toEqual(['a=2', 'l=2']);
  // Gone for less than a look.
  await rm(path('a.json'));
  await writeFile(path('a.json'), spec('a', '3'));
  expect(await settled()).toEqual({ applied: ['a=3'], told: ['Applied a of a.json'] });
});

test('a wrong file is told once and leaves its connector and all others as they are; corrected, it counts', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  await writeFile(path('b.json'), spec('b', '1'));
  const { settled } = await watcher('a.json', 'b.json');
  await writeFile(path('a.json'), '{"name": "a",');
  await writeFile(path('b.json'), spec('b', '2'));
  const { applied, told } = await settled();
  expect(applied).toEqual(['b=2']);
  expect(told).toEqual([
    expect.stringMatching(/^The spec file a\.json is not valid JSON: [^\n]+\.\nThe connector 'a' keeps running as it was\.$/),
    'Applied b of b.json',
  ]);
  expect(await settled()).toEqual({ applied: [], told: [] });
  await writeFile(path('a.json'), spec('a', '400'));
  expect(await settled()).toEqual({
    applied: [],
    told: ["The connector of a.json is refused (400): no such topic\nThe connector 'a' keeps running as it was."],
  });
  await writeFile(path('a.json'), spec('a', '3'));
  expect(await settled()).toEqual({ applied: ['a=3'], told: ['Applied a of a.json'] });
});

test('a conflict is tried again until it is over, and told once', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  const { busy, settled } = await watcher('a.json');
  busy.times = 3;
  await writeFile(path('a.json'), spec('a', '2'));
  expect((await settled()).told).toEqual(["The connector of a.json is refused (409): busy\nThe connector 'a' keeps running as it was."]);
  expect(await settled()).toEqual({ applied: [], told: [] });
  expect(await settled()).toEqual({ applied: ['a=2'], told: ['Applied a of a.json'] });
});

test('a connector whose file is gone keeps running; a file that comes back is applied', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  const { settled } = await watcher('a.json');
  await rm(path('a.json'));
  expect(await settled()).toEqual({
    applied: [],
    told: ["The spec file a.json is gone; its connector 'a' keeps running: DELETE /connectors/NAME ends it."],
  });
  expect(await settled()).toEqual({ applied: [], told: [] });
  await writeFile(path('a.json'), spec('a', '1'));
  expect(await settled()).toEqual({ applied: ['a=1'], told: ['Applied a of a.json'] });
});

test('another name in a file makes another connector and tells that the first one keeps running', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  await writeFile(path('b.json'), spec('b', '1'));
  const { settled } = await watcher('a.json', 'b.json');
  await writeFile(path('a.json'), spec('c', '1'));
  expect(await settled()).toEqual({
    applied: ['c=1'],
    told: ['Applied c of a.json', "The name in a.json was 'a' before; that connector keeps running beside 'c': DELETE /connectors/NAME ends it."],
  });
  await writeFile(path('a.json'), spec('b', '2'));
  expect(await settled()).toEqual({
    applied: [],
    told: [
      "The spec file a.json describes the connector 'b', which b.json describes: give one of them another name.\nThe connector 'c' keeps running as it was.",
    ],
  });
});

test('a folder stands for its spec files, those too that come later or get another name', async () => {
  await mkdir(path('specs'));
  await mkdir(path('specs/old.json'));
  await writeFile(path('specs/b.json'), spec('b', '1'));
  await writeFile(path('specs/a.properties'), 'name=a\nconnector.class=FileStreamSource\ntopic=1\n');
  for (const other of ['notes.md', '.hidden.json', 'b.json~']) await writeFile(path(`specs/${other}`), 'no spec');
  expect((await readSpecFiles(await specPaths([path('specs')]))).map(({ name }) => name)).toEqual(['a', 'b']);
  const { settled } = await watcher('specs');
  await writeFile(path('specs/c.json'), spec('c', '1'));
  await writeFile(path('specs/d.json'), '{');
  const { applied, told } = await settled();
  expect([applied, told]).toEqual([['c=1'], ['Applied c of specs/c.json', expect.stringMatching(/^The spec file specs\/d\.json is not valid JSON: [^\n]+$/)]]);
  await rename(path('specs/c.json'), path('specs/e.json'));
  expect(await settled()).toEqual({ applied: ['c=1'], told: ['Applied c of specs/e.json'] });
});

test('at the start all files that are wrong are told, and two of one name', async () => {
  await writeFile(path('a.json'), spec('a', '1'));
  await writeFile(path('b.json'), '{');
  await writeFile(path('c.json'), spec('a', '2'));
  const read = async (...names: string[]) => readSpecFiles(await specPaths(names.map(path)));
  await expect(read('a.json', 'b.json', 'c.json', 'nowhere.json')).rejects.toThrow(
    /^The spec file \S+b\.json is not valid JSON: .*\nThe spec file \S+nowhere\.json cannot be read: there is no such file\.\nThe spec file \S+c\.json describes the connector 'a', which \S+a\.json describes: give one of them another name\.$/,
  );
});
