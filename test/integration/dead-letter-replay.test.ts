import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { Controller } from '../../shared/controller/controller.ts';
import type { DeadLetterPage } from '../../shared/herder/dead-letters.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { DeadLetterWorld } from './dead-letter-world.ts';

const run = Date.now();
let world: DeadLetterWorld;
let herder: Herder;
let controller: Controller;
beforeAll(async () => {
  world = await DeadLetterWorld.start(`replays-${run}`);
  herder = new Herder(world.environment);
  controller = new Controller(world.environment);
});
afterAll(() => world?.stop());

const path = (name: string) => join(world.folder, name);
const lines = async (name: string) => (await readFile(path(name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');

async function rest<T>(method: string, url: string, body: unknown = undefined): Promise<T & { status: number }> {
  const [where = '', query = ''] = url.split('?');
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const request = { method, path: where, query: new URLSearchParams(query), headers, body: body === undefined ? '' : JSON.stringify(body) };
  const response = await answer(request, { herder, logger: world.environment.logger });
  return { ...(Array.isArray(response.body) ? { all: response.body } : (response.body as object)), status: response.status } as T & { status: number };
}
const list = (connector: string, query = '') => rest<DeadLetterPage>('GET', `/connectors/${connector}/dead-letters${query}`);

/** What the controller does: looks, and runs what it starts, until a replay is over. */
async function replay(connector: string, body: object = {}): Promise<Record<string, unknown>> {
  const begun = await rest<{ id: string }>('POST', `/connectors/${connector}/dead-letters/replay`, body);
  expect(begun).toMatchObject({ status: 202, state: 'PENDING' });
  world.invoked.length = 0;
  for (let looks = 0; looks < 50; looks++) {
    await controller.look();
    for (const request of world.invoked.splice(0)) if (request.kind === 'replay') await world.run(request);
    const now = await rest<Record<string, unknown>>('GET', `/connectors/${connector}/dead-letters/replay/${begun.id}`);
    if (now['state'] !== 'PENDING' && now['state'] !== 'RUNNING') return now;
    await world.environment.clock.sleep(200);
  }
  throw new Error('The replay does not end');
}

describe('dead letters of a sink in a topic', () => {
  const json = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter', 'value.converter.schemas.enable': 'false' };
  const sink = (name: string, topic: string) => ({
    'connector.class': 'FileStreamSink',
    topics: topic,
    file: path(name),
    'sluice.idle.linger.ms': '0',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': `${name}-dlq-${run}`,
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
    ...json,
  });

  test('are listed page by page, looked at, replayed once the config is mended, each once, and again only when asked', async () => {
    const topic = await world.topic(`orders-${run}`);
    await world.produce(topic, ['"good"', 'bad one', 'bad two', '"fine"', 'bad three'], 0, 'key');
    await world.create('mended', 'sink', sink('mended', topic));
    expect(await lines('mended')).toEqual(['good', 'fine']);

    const first = await list('mended', '?limit=2');
    expect(first).toMatchObject({ status: 200, connector: 'mended', queue: { topic: `mended-dlq-${run}` }, next: '0-2' });
    expect(first.dead_letters).toMatchObject([
      {
        ...{ id: '0-0', stage: 'VALUE_CONVERTER', class: 'org.apache.kafka.connect.json.JsonConverter', topic, partition: 0, offset: 1n, replayed: false },
        ...{ key: { text: 'key' }, value: { text: 'bad one' }, exception: 'org.apache.kafka.connect.errors.DataException', timestamp: 1_700_000_000_000 },
      },
      { id: '0-1', value: { text: 'bad two' } },
    ]);
    expect(await list('mended', `?limit=2&cursor=${first.next}`)).toMatchObject({ dead_letters: [{ id: '0-2' }], next: null });
    expect((await list('mended', '?exception=DataException&since=2030-01-01T00:00:00Z')).dead_letters).toEqual([]);
    expect(await rest('GET', '/connectors/mended/dead-letters/0-1')).toMatchObject({
      status: 200,
      value: { text: 'bad two' },
      stack_trace: expect.stringContaining('JsonParseException'),
    });
    expect(await rest('GET', '/connectors/mended/dead-letters/0-9')).toMatchObject({
      status: 404,
      message: 'There is no dead letter 0-9 of connector mended (any more)',
    });

    expect(await rest('POST', '/connectors/mended/dead-letters/replay', { dry_run: true })).toEqual({
      ...{ status: 200, dry_run: true, matching: 3, already_replayed: 0, complete: true },
    });
    const mended = { name: 'mended', ...sink('mended', topic), 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
    await herder.putConnectorConfig('mended', mended);
    const spec = await world.environment.storage.connectors.get('mended');
    await world.run({ kind: 'connector', connector: 'mended', generation: spec?.generation ?? 0 });
    expect(await replay('mended', { ids: ['0-1'] })).toMatchObject({ state: 'COMPLETED', replayed: 1, failed_again: 0, already_replayed: 0 });
    expect(await lines('mended')).toEqual(['good', 'fine', 'bad two']);
    expect((await list('mended')).dead_letters.map(({ replayed }) => replayed)).toEqual([false, true, false]);
    expect(await replay('mended')).toMatchObject({ state: 'COMPLETED', replayed: 2, already_replayed: 1, left: 0n });
    expect(await replay('mended')).toMatchObject({ state: 'COMPLETED', replayed: 0, already_replayed: 3 });
    expect(await lines('mended')).toEqual(['good', 'fine', 'bad two', 'bad one', 'bad three']);
    expect(await replay('mended', { again: true, filter: { message: 'no such text' } })).toMatchObject({ replayed: 0 });
    expect(await replay('mended', { again: true, ids: ['0-0'] })).toMatchObject({ replayed: 1 });
    expect((await lines('mended')).at(-1)).toBe('bad one');
    // What the tasks themselves have read is where it was.
    expect(await world.environment.storage.offsets.sinkOffsets('mended')).toEqual(new Map([[`${topic}-0`, 5n]]));
    expect((await rest<{ all: unknown[] }>('GET', '/connectors/mended/dead-letters/replay')).all).toHaveLength(4 + 1);
  });

  test('that fail again are in the queue again, with how often, and keep none behind them', async () => {
    const topic = await world.topic(`again-${run}`);
    await world.produce(topic, ['x', 'y']);
    await world.create('again', 'sink', sink('again', topic));
    expect(await replay('again')).toMatchObject({ state: 'COMPLETED', read: 2, replayed: 2, failed_again: 2 });
    expect((await list('again')).dead_letters.map(({ offset, replays, replayed }) => [offset, replays, replayed])).toEqual([
      [0n, 0, true],
      [1n, 0, true],
      [0n, 1, false],
      [1n, 1, false],
    ]);
    await replay('again');
    expect((await list('again')).dead_letters.slice(4).map(({ offset, replays }) => [offset, replays])).toEqual([
      [0n, 2],
      [1n, 2],
    ]);
  });

  test('of a topic that was made anew are not taken for those that were replayed before', async () => {
    const topic = await world.topic(`anew-${run}`);
    const dlq = `anew-dlq-${run}`;
    await world.produce(topic, ['x', 'y']);
    await world.create('anew', 'sink', sink('anew', topic));
    await replay('anew', { ids: ['0-0'] });
    await world.environment.kafka.admin().deleteTopics([dlq]);
    await world.environment.clock.sleep(1_000);
    await world.topic(dlq);
    await world.produce(dlq, ['other', 'and more']);
    expect((await list('anew')).dead_letters.map(({ replayed }) => replayed)).toEqual([false, false]);
  });

  test('a run that dies after it put leaves the letters to the next, which goes on from the stored position', async () => {
    const topic = await world.topic(`dies-${run}`);
    await world.produce(topic, ['x', 'y', 'z']);
    await world.create('dies', 'sink', { ...sink('dies', topic), 'value.converter.schemas.enable': 'true' });
    await herder.putConnectorConfig('dies', { name: 'dies', ...sink('dies', topic), 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' });
    const spec = await world.environment.storage.connectors.get('dies');
    await world.run({ kind: 'connector', connector: 'dies', generation: spec?.generation ?? 0 });
    const { id } = await rest<{ id: string }>('POST', '/connectors/dies/dead-letters/replay', {});
    expect(await rest('POST', '/connectors/dies/dead-letters/replay', {})).toMatchObject({ status: 409 });
    const { replays } = world.environment.storage;
    // It is gone with its lease; a look takes it over when that is over.
    const dead = await replays.acquire({ connector: 'dies', id, owner: 'dead', expiresAt: world.environment.clock.now() + 60_000 });
    expect(await world.run({ kind: 'replay', connector: 'dies', replay: id })).toMatchObject({ outcome: 'skipped' });
    await controller.crashed({ request: { kind: 'replay', connector: 'dies', replay: id }, run: 'dead', error: 'out of memory', trace: null });
    expect(await world.run({ kind: 'replay', connector: 'dies', replay: id })).toMatchObject({ outcome: 'idle', records: 3 });
    expect(await lines('dies')).toEqual(['x', 'y', 'z']);
    // Thawed, it stores nothing.
    await expect(
      replays.commit(dead as never, { positions: new Map([['0', 0n]]), counts: (dead as never as { counts: never }).counts, done: [] }),
    ).rejects.toMatchObject({ name: 'FencedException' });
    expect(await rest('GET', `/connectors/dies/dead-letters/replay/${id}`)).toMatchObject({ state: 'COMPLETED', replayed: 3 });
  });

  test('a replay can be cancelled, and one of a connector that is stopped or has no queue is refused', async () => {
    const topic = await world.topic(`cancel-${run}`);
    await world.produce(topic, ['x']);
    await world.create('cancel', 'sink', sink('cancel', topic));
    const { id } = await rest<{ id: string }>('POST', '/connectors/cancel/dead-letters/replay');
    expect(await rest('DELETE', `/connectors/cancel/dead-letters/replay/${id}`)).toMatchObject({ status: 200, state: 'CANCELLED' });
    expect(await world.run({ kind: 'replay', connector: 'cancel', replay: id })).toMatchObject({ outcome: 'skipped' });
    expect(await replay('cancel')).toMatchObject({ state: 'COMPLETED', replayed: 1 });
    await herder.stopConnector('cancel');
    expect(await rest('POST', '/connectors/cancel/dead-letters/replay')).toMatchObject({ status: 409, message: expect.stringContaining('is stopped') });
    await world.create('none', 'sink', { 'connector.class': 'FileStreamSink', topics: topic, file: path('none') });
    expect(await list('none')).toMatchObject({
      status: 400,
      message: expect.stringContaining('has no dead letter queue: a sink names one in errors.deadletterqueue.topic.name'),
    });
    expect(await list('nobody')).toMatchObject({ status: 404 });
    expect(await list('cancel', '?limit=0')).toMatchObject({ status: 400 });
    expect(await list('cancel', '?colour=red')).toMatchObject({ status: 400, message: expect.stringContaining('Unrecognized field "colour"') });
    expect(await rest('POST', '/connectors/cancel/dead-letters/replay', { ids: ['what'] })).toMatchObject({ status: 409 });
    expect(await rest('GET', '/connectors/cancel/dead-letters/replay/nothing')).toMatchObject({ status: 404 });
  });
});

describe('dead letters in SQS', () => {
  test('are listed, replayed and then gone; what is not chosen and what fails again stays', async () => {
    const [topic, url] = [await world.topic(`sqs-${run}`), await world.queue(`replay-${run}`)];
    await world.produce(topic, ['x', '"never"', 'y'], 0, 'k');
    const config = {
      'connector.class': 'FileStreamSink',
      topics: topic,
      file: path('from-sqs'),
      'errors.tolerance': 'all',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'sluice.errors.deadletterqueue.sqs.queue.url': url,
    };
    await world.create('from-sqs', 'sink', config);
    const queue = world.environment.deadLetters?.queue(url);
    expect(await queue?.size()).toEqual({ visible: 2, hidden: 0 });
    const page = await list('from-sqs', '?limit=10');
    expect(page).toMatchObject({ queue: { sqs: url }, next: null, dead_letters: [{ value: { text: expect.stringMatching(/^[xy]$/) } }, {}] });
    await world.environment.clock.sleep(20_500);
    expect(await replay('from-sqs', { filter: { message: 'no such text' } })).toMatchObject({ state: 'COMPLETED', replayed: 0, read: 2, left: null });
    expect(await replay('from-sqs')).toMatchObject({ state: 'COMPLETED', replayed: 2, failed_again: 2 });
    expect(await queue?.size()).toEqual({ visible: 2, hidden: 0 });

    await herder.putConnectorConfig('from-sqs', { name: 'from-sqs', ...config, 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' });
    const spec = await world.environment.storage.connectors.get('from-sqs');
    await world.run({ kind: 'connector', connector: 'from-sqs', generation: spec?.generation ?? 0 });
    expect(await replay('from-sqs')).toMatchObject({ state: 'COMPLETED', replayed: 2, failed_again: 0 });
    expect(await queue?.size()).toEqual({ visible: 0, hidden: 0 });
    expect((await lines('from-sqs')).sort()).toEqual(['never', 'x', 'y']);
  }, 120_000);
});

describe('dead letters of a source', () => {
  test('go through the transformations and converters again, or are produced as they are', async () => {
    const topic = await world.topic(`made-${run}`, 1, { 'max.message.bytes': '1500' });
    await writeFile(path('made'), `7\nword\n${'9'.repeat(2_000)}\n`);
    const base = {
      'connector.class': 'FileStreamSource',
      file: path('made'),
      topic,
      'errors.tolerance': 'all',
      'sluice.errors.deadletterqueue.topic.name': `made-dlq-${run}`,
      'sluice.errors.deadletterqueue.topic.replication.factor': '1',
    };
    const cast = (spec: string) => ({ transforms: 'c', 'transforms.c.type': 'org.apache.kafka.connect.transforms.Cast$Value', 'transforms.c.spec': spec });
    await world.create('made', 'source', { ...base, ...cast('float64') });
    const { dead_letters } = await list('made');
    expect(dead_letters).toMatchObject([
      { stage: 'TRANSFORMATION', content: 'record', topic, source: { partition: { filename: path('made') }, offset: { position: 7 } } },
    ]);
    const values = async () => (await world.records(topic)).map(({ value }) => value?.toString());
    expect(await values()).toEqual(['7.0', 'Infinity']);
    await herder.putConnectorConfig('made', { name: 'made', ...base, ...cast('string') });
    const spec = await world.environment.storage.connectors.get('made');
    await world.run({ kind: 'connector', connector: 'made', generation: spec?.generation ?? 0 });
    expect(await replay('made')).toMatchObject({ state: 'COMPLETED', replayed: 1, failed_again: 0 });
    expect(await values()).toEqual(['7.0', 'Infinity', 'word']);
    expect((await world.environment.storage.offsets.sourceOffsets('made'))[0]?.offset).toEqual({ position: 2_008 });
  });

  test('of an exactly-once source are produced beside its transactions, and leave those alone', async () => {
    const topic = await world.topic(`once-${run}`);
    await writeFile(path('once'), '1\nword\n');
    const base = {
      'connector.class': 'FileStreamSource',
      file: path('once'),
      topic,
      'exactly.once.support': 'required',
      'errors.tolerance': 'all',
      'sluice.errors.deadletterqueue.topic.name': `once-dlq-${run}`,
      'sluice.errors.deadletterqueue.topic.replication.factor': '1',
    };
    const cast = { transforms: 'c', 'transforms.c.type': 'org.apache.kafka.connect.transforms.Cast$Value', 'transforms.c.spec': 'int32' };
    await world.create('once', 'source', { ...base, ...cast });
    expect((await list('once')).dead_letters).toMatchObject([{ stage: 'TRANSFORMATION', replayed: false }]);
    await herder.putConnectorConfig('once', { name: 'once', ...base });
    const spec = await world.environment.storage.connectors.get('once');
    await world.run({ kind: 'connector', connector: 'once', generation: spec?.generation ?? 0 });
    const before = (await world.environment.storage.connectors.get('once'))?.generation;
    expect(await replay('once')).toMatchObject({ state: 'COMPLETED', replayed: 1, failed_again: 0 });
    expect((await world.environment.storage.connectors.get('once'))?.generation).toBe(before);
    await appendFile(path('once'), 'after\n');
    await world.runTask('once');
    expect((await world.records(topic)).map(({ value }) => value?.toString())).toEqual(['1', 'word', 'after']);
  });

  test('that Kafka refused are produced when the topic takes them, and are in the queue again when it does not', async () => {
    const topic = await world.topic(`refused-${run}`, 1, { 'max.message.bytes': '1000' });
    await writeFile(path('refused'), `${'y'.repeat(2_000)}\n`);
    await world.create('refused', 'source', {
      'connector.class': 'FileStreamSource',
      file: path('refused'),
      topic,
      'errors.tolerance': 'all',
      'sluice.errors.deadletterqueue.topic.name': `refused-dlq-${run}`,
      'sluice.errors.deadletterqueue.topic.replication.factor': '1',
    });
    expect(await replay('refused')).toMatchObject({ replayed: 1, failed_again: 1 });
    expect((await list('refused')).dead_letters).toMatchObject([
      { stage: 'KAFKA_PRODUCE', replays: 0, replayed: true, content: 'bytes' },
      { stage: 'KAFKA_PRODUCE', replays: 1, replayed: false, source: { partition: { filename: path('refused') }, offset: { position: 2_001 } } },
    ]);
    expect(await world.records(topic)).toEqual([]);
    await world.environment.kafka.admin().deleteTopics([topic]);
    await world.environment.clock.sleep(1_000);
    await world.topic(topic);
    expect(await replay('refused')).toMatchObject({ replayed: 1, failed_again: 0, already_replayed: 1 });
    expect((await world.records(topic)).map(({ value }) => value?.length)).toEqual([2_000]);
  });
});
