import { describe, expect, it, vi } from 'vitest';
import { linesConfig, restApi, shelfConfig } from './rest.ts';

async function stopped(config: Record<string, string>) {
  const api = restApi();
  await api.call('POST', '/connectors', { name: 'a', config, initial_state: 'STOPPED' });
  const patch = (offsets: unknown) => api.call('PATCH', '/connectors/a/offsets', { offsets });
  const offsets = async () => (await api.call('GET', '/connectors/a/offsets')).body;
  return { ...api, patch, offsets };
}

const altered = { status: 200, body: { message: 'The offsets for this connector have been altered successfully' } };

describe('Offsets of a source connector', () => {
  it('are set, removed and read, without loss beyond 2^53', async () => {
    const { call, patch, offsets } = await stopped(linesConfig);
    expect(
      await patch([
        { partition: { file: 'x' }, offset: { line: 1 } },
        { partition: { file: 'x' }, offset: { line: 2 } },
      ]),
    ).toEqual(altered);
    await call('PATCH', '/connectors/a/offsets', '{"offsets":[{"partition":{"file":"y"},"offset":{"line":9007199254740993}}]}');
    expect(await offsets()).toEqual({
      offsets: [
        { partition: { file: 'x' }, offset: { line: 2 } },
        { partition: { file: 'y' }, offset: { line: 9007199254740993n } },
      ],
    });
    await patch([{ partition: { file: 'x' } }]);
    expect(await offsets()).toEqual({ offsets: [{ partition: { file: 'y' }, offset: { line: 9007199254740993n } }] });
    expect(await call('DELETE', '/connectors/a/offsets')).toEqual({
      status: 200,
      body: { message: 'The offsets for this connector have been reset successfully' },
    });
    expect(await offsets()).toEqual({ offsets: [] });
  });

  it('are refused where the connector refuses them', async () => {
    const { patch, offsets } = await stopped(linesConfig);
    expect(await patch([{ partition: { file: 'x' }, offset: { byte: 1 } }])).toEqual({
      status: 400,
      body: { error_code: 400, message: "Offset objects should contain the key 'line'" },
    });
    expect((await patch([{ partition: { file: { deep: 1 } }, offset: { line: 1 } }])).status).toBe(400);
    expect((await patch([{ offset: { line: 1 } }])).status).toBe(400);
    expect(await offsets()).toEqual({ offsets: [] });
  });

  it('are refused where no producer of the connector could be made, and go with it all the same', async () => {
    const { call, patch, offsets } = await stopped({ ...linesConfig, 'producer.override.acks': 'few' });
    const refused = {
      status: 400,
      body: {
        error_code: 400,
        message: expect.stringContaining('Invalid value few for configuration acks: String must be one of: all, -1, 0, 1 (producer.override.*'),
      },
    };
    expect(await patch([{ partition: { file: 'x' }, offset: { line: 1 } }])).toMatchObject(refused);
    expect(await call('DELETE', '/connectors/a/offsets')).toMatchObject(refused);
    expect(await offsets()).toEqual({ offsets: [] });
    expect((await call('DELETE', '/connectors/a?offsets=purge')).status).toBe(204);
  });

  it.each([[undefined], [null], [[]]])('must be given: %j is refused', async (given) => {
    const { patch } = await stopped(linesConfig);
    expect((await patch(given)).body).toEqual({ error_code: 400, message: 'Partitions / offsets need to be provided for an alter offsets request' });
  });

  it('survive their connector', async () => {
    const { call, patch } = await stopped(linesConfig);
    await patch([{ partition: { file: 'x' }, offset: { line: 1 } }]);
    await call('DELETE', '/connectors/a');
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    expect((await call('GET', '/connectors/a/offsets')).body).toEqual({ offsets: [{ partition: { file: 'x' }, offset: { line: 1 } }] });
  });

  it('go with their connector where that is asked for, also with one that runs', async () => {
    const { call, patch } = await stopped(linesConfig);
    await patch([{ partition: { file: 'x' }, offset: { line: 1 } }]);
    expect(await call('DELETE', '/connectors/a?offsets=all')).toEqual({
      status: 400,
      body: { error_code: 400, message: "Invalid value 'all' of the query parameter 'offsets': expected keep or purge" },
    });
    expect((await call('GET', '/connectors/a/status')).status).toBe(200);
    await call('PUT', '/connectors/a/resume');
    expect((await call('DELETE', '/connectors/a?offsets=purge')).status).toBe(204);
    expect((await call('DELETE', '/connectors/a?offsets=purge')).body).toEqual({ error_code: 404, message: 'Connector a not found' });
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    expect((await call('GET', '/connectors/a/offsets')).body).toEqual({ offsets: [] });
  });

  it('survive where that is asked for', async () => {
    const { call, patch } = await stopped(linesConfig);
    await patch([{ partition: { file: 'x' }, offset: { line: 1 } }]);
    expect((await call('DELETE', '/connectors/a?offsets=keep')).status).toBe(204);
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    expect((await call('GET', '/connectors/a/offsets')).body).toEqual({ offsets: [{ partition: { file: 'x' }, offset: { line: 1 } }] });
  });
});

describe('Offsets of a sink connector', () => {
  it('are taken as numbers or texts, and committed to the consumer group too', async () => {
    const { call, patch, groups } = await stopped(shelfConfig);
    const framework =
      'The Connect framework-managed offsets for this connector have been altered successfully. However, if this connector manages offsets externally, they will need to be manually altered in the system that the connector uses.';
    expect(await patch([{ partition: { kafka_topic: 'orders', kafka_partition: '2', more: 1 }, offset: { kafka_offset: '17' } }])).toEqual({
      status: 200,
      body: { message: framework },
    });
    expect(JSON.stringify((await call('GET', '/connectors/a/offsets')).body, (_name, value) => (typeof value === 'bigint' ? Number(value) : value))).toBe(
      '{"offsets":[{"partition":{"kafka_partition":2,"kafka_topic":"orders"},"offset":{"kafka_offset":17}}]}',
    );
    await call('DELETE', '/connectors/a/offsets');
    expect(groups).toEqual([
      { group: 'connect-a', offsets: new Map([['orders-2', 17n]]) },
      { group: 'connect-a', offsets: null },
    ]);
  });

  it.each([
    [
      { partition: { kafka_partition: 0 }, offset: { kafka_offset: 1 } },
      "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
    ],
    [{ offset: { kafka_offset: 1 } }, 'The partition for a sink connector offset cannot be null or missing'],
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 0 }, offset: { position: 1 } },
      "The offset for a sink connector should either be null or contain the key 'kafka_offset'",
    ],
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 'x' }, offset: { kafka_offset: 1 } },
      "Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values for sink connectors need to be integers.",
    ],
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 0 }, offset: { kafka_offset: 'x' } },
      "Failed to parse the following Kafka offset value in the provided offsets: 'x'. Offset values for sink connectors need to be integers.",
    ],
    ...[
      [[], '[]'],
      [['a', null], '[a, null]'],
      [{ a: 1, b: [true] }, '{a=1, b=[true]}'],
    ].map(([value, text]): [object, string] => [
      { partition: { kafka_topic: 'orders', kafka_partition: 0 }, offset: { kafka_offset: value } },
      `Failed to parse the following Kafka offset value in the provided offsets: '${text}'. Offset values for sink connectors need to be integers.`,
    ]),
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 7 }, offset: { kafka_offset: 1 } },
      'Failed to alter consumer group offsets for connector a: there is no partition 7 of topic orders',
    ],
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 0 }, offset: { kafka_offset: -1 } },
      'Invalid offset -1 for the partition orders-0: an offset must not be negative',
    ],
    [
      { partition: { kafka_topic: 'orders', kafka_partition: 0 } },
      'Failed to alter consumer group offsets for connector a: it has no offsets that could be removed',
    ],
  ])('are refused where they make no sense: %j', async (change, message) => {
    const { patch, offsets } = await stopped(shelfConfig);
    expect(await patch([change])).toEqual({ status: 400, body: { error_code: 400, message } });
    expect(await offsets()).toEqual({ offsets: [] });
  });
});

describe('Offsets of a connector that is not stopped', () => {
  it('cannot be changed', async () => {
    const { call } = restApi();
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    for (const method of ['PATCH', 'DELETE']) {
      expect(await call(method, '/connectors/a/offsets', { offsets: [{ partition: { file: 'x' }, offset: null }] })).toEqual({
        status: 400,
        body: {
          error_code: 400,
          message:
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/a/stop' endpoint",
        },
      });
    }
  });

  it('wait for its last run to end, and ask to come again when it does not', async () => {
    const { call, table, clock } = restApi();
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    table.plan('a', [linesConfig]);
    await call('PUT', '/connectors/a/stop');
    const before = clock.now();
    expect((await call('DELETE', '/connectors/a/offsets')).status).toBe(409);
    expect(clock.now() - before).toBe(20_000);
    table.plan('a', []);
    expect((await call('DELETE', '/connectors/a/offsets')).status).toBe(200);
  });
});

describe('Offsets of a sink that are removed', () => {
  it('are those of partitions that exist, or are stored', async () => {
    const { patch, offsets, table } = await stopped(shelfConfig);
    await table.storage.offsets.alterSinkOffsets('a', new Map([['gone-0', 7n]]));
    const remove = (topic: string) => patch([{ partition: { kafka_topic: topic, kafka_partition: 0 }, offset: null }]);
    expect(await remove('unheard')).toMatchObject({ status: 400, body: { message: expect.stringContaining('there is no partition 0 of topic unheard') } });
    expect(await remove('orders')).toMatchObject({ status: 200 });
    expect(await remove('gone')).toMatchObject({ status: 200 });
    expect(await offsets()).toEqual({ offsets: [] });
  });
});

describe('Offsets of a connector that changes at this moment', () => {
  it.each(['PATCH', 'DELETE'])('are changed by its new spec (%s)', async (method) => {
    const { call, table } = restApi();
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    await call('PUT', '/connectors/a/stop');
    const { offsets } = table.storage;
    vi.spyOn(offsets, 'purge').mockResolvedValueOnce(false);
    vi.spyOn(offsets, 'alterSourceOffsets').mockResolvedValueOnce(false);
    expect((await call(method, '/connectors/a/offsets', { offsets: [{ partition: { file: 'x' }, offset: { line: 3 } }] })).status).toBe(200);
    expect((await call('GET', '/connectors/a/offsets')).body).toEqual({
      offsets: method === 'PATCH' ? [{ partition: { file: 'x' }, offset: { line: 3 } }] : [],
    });
  });

  it('are left alone when somebody resumed it', async () => {
    const { call, table } = restApi();
    await call('POST', '/connectors', { name: 'a', config: linesConfig });
    await call('PUT', '/connectors/a/stop');
    vi.spyOn(table.storage.offsets, 'purge').mockImplementationOnce(async () => {
      await call('PUT', '/connectors/a/resume');
      return false;
    });
    expect(await call('DELETE', '/connectors/a/offsets')).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('must be in the STOPPED state') },
    });
  });
});

describe('Offsets of a sink are reset to a time', () => {
  const offsetsOf = (offset: bigint) =>
    [0, 1, 2].map((partition) => ({ partition: { kafka_partition: partition, kafka_topic: 'orders' }, offset: { kafka_offset: offset } }));

  it.each([
    ['5000', 5n],
    ['earliest', 10n],
    ['latest', 90n],
    ['1970-01-01T00:00:07Z', 7n],
    ['1970-01-01T00:00:07.5', 8n],
    ['1970-01-01T01:00:07+01:00', 7n],
    ['1970-01-01T01:00:07%2B0100', 7n],
    ['1970-01-01T02:00:00%2B02', 0n],
    ['1970-01-01', 0n],
    ['2026-02-28T00:00Z', 90n],
  ])('%s: every partition is set, the answer tells to what, and the consumer group follows', async (timestamp, offset) => {
    const { call, groups, offsets } = await stopped(shelfConfig);
    const { status, body } = await call('POST', `/connectors/a/offsets/reset?timestamp=${timestamp}`);
    expect([status, body]).toEqual([200, { message: expect.stringContaining('have been reset successfully'), offsets: offsetsOf(offset) }]);
    expect(await offsets()).toEqual({ offsets: offsetsOf(offset) });
    expect(groups).toEqual([{ group: 'connect-a', offsets: new Map([0, 1, 2].map((partition) => [`orders-${partition}`, offset])) }]);
  });

  it('leaves offsets of topics alone that it does not read any more', async () => {
    const { call, table, offsets } = await stopped(shelfConfig);
    await table.storage.offsets.alterSinkOffsets('a', new Map([['old-0', 3n]]));
    await call('POST', '/connectors/a/offsets/reset?timestamp=earliest');
    expect((await offsets()) as { offsets: unknown[] }).toMatchObject({
      offsets: [{ partition: { kafka_topic: 'old' }, offset: { kafka_offset: 3n } }, {}, {}, {}],
    });
  });

  it.each([
    '',
    '?timestamp=',
    '?timestamp=yesterday',
    '?timestamp=-1',
    '?timestamp=2026-02-31',
    '?timestamp=2026-13-01',
    '?timestamp=2026-01-01T25:00Z',
    '?timestamp=99999999999999999',
  ])('a wrong time is told with the name of the parameter: %s', async (query) => {
    const { call, offsets } = await stopped(shelfConfig);
    const { status, body } = await call('POST', `/connectors/a/offsets/reset${query}`);
    expect([status, body]).toEqual([400, { error_code: 400, message: expect.stringMatching(/query parameter 'timestamp'.*expected a time such as/) }]);
    expect(await offsets()).toEqual({ offsets: [] });
  });

  it('not while the connector runs, nor of a source, nor of nobody, nor without topics', async () => {
    const { call } = await stopped(shelfConfig);
    const reset = async (name: string) =>
      (await call('POST', `/connectors/${name}/offsets/reset?timestamp=0`)) as { status: number; body: { message: string } };
    expect(await reset('nobody')).toMatchObject({ status: 404, body: { message: 'Connector nobody not found' } });
    await call('PUT', '/connectors/a/resume');
    expect(await reset('a')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^Connectors must be in the STOPPED state before their offsets can be modified/) },
    });
    await call('POST', '/connectors', { name: 'lines', config: linesConfig });
    expect(await reset('lines')).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/^Connector lines is a source: .*PATCH \/connectors\/lines\/offsets/) },
    });
    await call('POST', '/connectors', { name: 'cats', config: { ...shelfConfig, topics: 'cats' }, initial_state: 'STOPPED' });
    expect(await reset('cats')).toMatchObject({ status: 400, body: { message: expect.stringContaining('none of its topics exists') } });
  });
});

describe('What a create would resume from', () => {
  const stored = (call: ReturnType<typeof restApi>['call'], name = 'a') => call('GET', `/connectors/${name}/offsets/stored`);

  it('is told for a name that no connector has, of the table and of the consumer group', async () => {
    const { call, table, committed } = restApi();
    expect(await stored(call)).toEqual({ status: 200, body: { offsets: [], group_error: null } });
    await table.storage.offsets.alterSourceOffsets('a', [{ partition: { file: 'x' }, offset: { line: 9007199254740993n } }]);
    await table.storage.offsets.alterSinkOffsets('a', new Map([['orders-0', 5n]]));
    committed.set(
      'connect-a',
      new Map([
        ['orders-0', 3n],
        ['orders-1', 4n],
      ]),
    );
    const sink = (partition: number, offset: bigint) => ({
      partition: { kafka_partition: partition, kafka_topic: 'orders' },
      offset: { kafka_offset: offset },
    });
    expect((await stored(call)).body).toEqual({
      offsets: [
        { partition: { file: 'x' }, offset: { line: 9007199254740993n }, type: 'source', kept_in: 'table' },
        { ...sink(0, 5n), type: 'sink', kept_in: 'table' },
        { ...sink(1, 4n), type: 'sink', kept_in: 'consumer group connect-a' },
      ],
      group_error: null,
    });
  });

  it('looks into the group that the connector names, and into none for a source', async () => {
    const { call, committed } = restApi();
    committed.set('mine', new Map([['orders-1', 4n]]));
    committed.set('connect-lines', new Map([['orders-1', 4n]]));
    await call('POST', '/connectors', { name: 'a', config: { ...shelfConfig, 'consumer.override.group.id': 'mine' } });
    expect((await stored(call)).body).toMatchObject({ offsets: [{ kept_in: 'consumer group mine' }] });
    await call('POST', '/connectors', { name: 'lines', config: linesConfig });
    expect((await stored(call, 'lines')).body).toEqual({ offsets: [], group_error: null });
  });

  it('is told without the group when Kafka is away', async () => {
    const { call, committed } = restApi();
    committed.get = () => {
      throw new Error('no broker');
    };
    expect(await stored(call)).toEqual({ status: 200, body: { offsets: [], group_error: 'no broker' } });
  });

  it('stands in a header of the create that resumes, by POST or PUT, and of no other answer', async () => {
    const { call, table } = restApi();
    const first = await call('POST', '/connectors', { name: 'a', config: linesConfig });
    expect(first.headers).toEqual({ location: '/connectors/a' });
    await table.storage.offsets.alterSourceOffsets('a', [
      { partition: { file: 'ü' }, offset: { line: 9007199254740993n } },
      { partition: { file: 'y' }, offset: { line: 2 } },
    ]);
    expect((await call('PUT', '/connectors/a/config', { ...linesConfig, topic: 't' })).headers).toEqual({});
    const told = '2 offsets; [{"partition":{"file":"\\u00fc"},"offset":{"line":9007199254740993}},{"partition":{"file":"y"},"offset":{"line":2}}]';
    for (const create of [() => call('POST', '/connectors', { name: 'a', config: linesConfig }), () => call('PUT', '/connectors/a/config', linesConfig)]) {
      await call('DELETE', '/connectors/a');
      const { status, headers } = await create();
      expect([status, headers]).toEqual([201, { location: '/connectors/a', 'sluice-resumes-from': told }]);
    }
    await call('DELETE', '/connectors/a');
    // Of a sink of this name the table knows none.
    expect((await call('POST', '/connectors', { name: 'a', config: shelfConfig })).headers).toEqual({ location: '/connectors/a' });
  });
});
