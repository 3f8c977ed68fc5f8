import { expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const base = { 'connector.class': 'FileStreamSource', topic: 't', file: '/tmp/a' };

/** Several environments of the API function over one table. */
function apis(count: number) {
  const clock = new ManualClock();
  const storage = createMemoryStorage(clock);
  const worker = { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text };
  const logger = collectingLogger();
  const calls = Array.from({ length: count }, (_, index) => {
    const herder = new Herder({ storage, kafka: {} as KafkaClients, plugins, worker, clock, logger, workerId: `api-${index}` });
    return (method: string, path: string, body?: unknown) => {
      const json = body === undefined ? {} : { 'content-type': 'application/json' };
      return answer({ method, path, query: new URLSearchParams(), headers: json, body: body === undefined ? '' : JSON.stringify(body) }, { herder, logger });
    };
  });
  return { storage, calls };
}

test('Of two creates at once one wins, and the other is told', async () => {
  for (let round = 0; round < 20; round++) {
    const { storage, calls } = apis(2);
    const answers = await Promise.all(calls.map((call, index) => call('POST', '/connectors', { name: 'a', config: { ...base, file: `/tmp/${index}` } })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toEqual({ error_code: 409, message: 'Connector a already exists' });
    const winner = answers.findIndex(({ status }) => status === 201);
    expect((await storage.connectors.get('a'))?.config['file']).toBe(`/tmp/${winner}`);
  }
});

test('Of configs that are put at once each is whole, the last one holds, and only one says that it created', async () => {
  const { storage, calls } = apis(4);
  const answers = await Promise.all(
    calls.map((call, index) => call('PUT', '/connectors/a/config', { ...base, file: `/tmp/${index}`, 'batch.size': `${index + 1}` })),
  );
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  for (const { status } of answers) expect([200, 201, 409]).toContain(status);
  const spec = await storage.connectors.get('a');
  const won = Number(spec?.config['file']?.split('/').at(-1));
  expect(spec?.config).toMatchObject({ file: `/tmp/${won}`, 'batch.size': `${won + 1}` });
  // Whoever was answered with success has made a generation of his own: nobody's tasks run under another's number.
  expect(spec?.revision).toBe(answers.filter(({ status }) => status < 300).length);
});

test('Patches of different keys at once are all there, but those that were told to come again', async () => {
  const { storage, calls } = apis(5);
  await calls[0]?.('POST', '/connectors', { name: 'a', config: base });
  const answers = await Promise.all(calls.map((call, index) => call('PATCH', '/connectors/a/config', { [`note.${index}`]: 'x' })));
  const done = answers.flatMap(({ status }, index) => (status === 200 ? [`note.${index}`] : []));
  for (const { status } of answers) expect([200, 409]).toContain(status);
  const { config } = (await storage.connectors.get('a')) ?? { config: {} };
  expect(
    Object.keys(config)
      .filter((key) => key.startsWith('note.'))
      .sort(),
  ).toEqual(done);
  expect(done.length).toBeGreaterThan(1);
});

test('Who deletes while others change leaves a whole connector or none', async () => {
  for (let round = 0; round < 30; round++) {
    const { storage, calls } = apis(3);
    await calls[0]?.('POST', '/connectors', { name: 'a', config: base });
    const [changed, deleted, stopped] = await Promise.all([
      calls[0]?.('PUT', '/connectors/a/config', { ...base, file: '/tmp/b' }),
      calls[1]?.('DELETE', '/connectors/a'),
      calls[2]?.('PUT', '/connectors/a/stop'),
    ]);
    expect([200, 201, 409]).toContain(changed?.status);
    expect([204, 404, 409]).toContain(deleted?.status);
    expect([204, 404, 409]).toContain(stopped?.status);
    const names = await storage.connectors.list();
    const snapshot = await storage.connectors.snapshot('a');
    expect(names).toEqual(snapshot === null ? [] : ['a']);
    if (snapshot !== null && changed !== undefined && changed.status < 300 && deleted?.status === 204) expect(snapshot.spec.config['file']).toBe('/tmp/b');
  }
});
