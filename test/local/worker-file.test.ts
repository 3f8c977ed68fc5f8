import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseProperties, readWorkerProperties } from '../../infra/local/worker-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-worker-'));
});
afterAll(() => rm(folder, { recursive: true }));

const converters = 'key.converter=org.apache.kafka.connect.storage.StringConverter\nvalue.converter=org.apache.kafka.connect.json.JsonConverter\n';

test('Java properties are read with their continuation lines, separators, escapes and comments', () => {
  const text = String.raw`# a comment
! another
bootstrap.servers=a:9092,\
                  b:9092
group.id : connect
offset.flush.interval.ms   5000
empty
key\ with\:signs=caf\u00e9\ttab
path=C\:\\kafka
twice=1
twice=2
`;
  const expected = {
    'bootstrap.servers': 'a:9092,b:9092',
    'group.id': 'connect',
    'offset.flush.interval.ms': '5000',
    empty: '',
    'key with:signs': 'café\ttab',
    path: 'C:\\kafka',
    twice: '2',
  };
  expect(parseProperties(text, 'it')).toEqual(expected);
  expect(parseProperties(text.replaceAll('\n', '\r\n'), 'it')).toEqual(expected);
});

test('a broken Unicode escape is refused by the name of the file', () => {
  expect(() => parseProperties('a=\\u00zz', 'The worker file w.properties')).toThrow(/^The worker file w\.properties is not a properties file: .*\\u00zz/);
});

test('without a file the converters are those of the sample files', async () => {
  expect(await readWorkerProperties(null)).toEqual({
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  });
});

test('a file is taken as it is', async () => {
  const path = join(folder, 'connect.properties');
  await writeFile(path, `${converters}bootstrap.servers=localhost:9092\nproducer.linger.ms=5\n`);
  expect(await readWorkerProperties(path)).toEqual({
    'bootstrap.servers': 'localhost:9092',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'producer.linger.ms': '5',
  });
});

test('a file without a converter, which Kafka Connect would refuse, is refused', async () => {
  const path = join(folder, 'short.properties');
  await writeFile(path, 'key.converter=org.apache.kafka.connect.storage.StringConverter\n');
  await expect(readWorkerProperties(path)).rejects.toThrow(/has no value\.converter/);
});

test('a missing file is told by its path', async () => {
  await expect(readWorkerProperties(join(folder, 'nowhere'))).rejects.toThrow(/nowhere cannot be read: there is no such file/);
});
