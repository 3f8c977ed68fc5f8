import { expect, test } from 'vitest';
import { resultOf } from '../../functions/rest-api/http.ts';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { offlineHerder } from '../kit/offline-herder.ts';

const config = { 'connector.class': 'FileStreamSink', topics: 't', file: '/tmp/a' };

function api() {
  const herder = offlineHerder(collectingLogger());
  return async (method: string, path: string, body: unknown) => {
    const request = { method, path, query: new URLSearchParams(), headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const result = resultOf(await answer(request, { herder, logger: collectingLogger() }));
    const header = (name: string): unknown => (result.headers?.[name] === undefined ? undefined : JSON.parse(result.headers[name] as string));
    return {
      status: result.statusCode,
      message: (JSON.parse(result.body ?? '{}') as { message?: string }).message,
      unknown: header('sluice-unknown-keys'),
      invalid: header('sluice-invalid-keys'),
      headers: result.headers,
    };
  };
}

test('creating and changing a connector tells keys that nothing reads, as a validation does', async () => {
  const call = api();
  const flie = [{ key: 'flie', suggestion: 'file' }];
  expect(await call('POST', '/connectors', { name: 'a', config: { ...config, flie: 'x' } })).toMatchObject({ status: 201, unknown: flie });
  expect(await call('PUT', '/connectors/a/config', { ...config, flie: 'y' })).toMatchObject({ status: 200, unknown: flie });
  expect(await call('PATCH', '/connectors/a/config', { 'tasks.maxx': '2' })).toMatchObject({
    status: 200,
    unknown: [...flie, { key: 'tasks.maxx', suggestion: 'tasks.max' }],
  });
  expect(await call('PUT', '/connectors/b/config', { ...config, flie: 'y' })).toMatchObject({ status: 201, unknown: flie });
  const clean = await call('PATCH', '/connectors/a/config', { 'tasks.maxx': null, flie: null });
  expect([clean.status, clean.headers]).toEqual([200, { 'content-type': 'application/json' }]);
});

test('a config that is refused names the keys beside Kafka Connect’s message, on every way in', async () => {
  const call = api();
  await call('POST', '/connectors', { name: 'a', config });
  const { topics: _, ...without } = config;
  const wrong = { ...without, 'tasks.max': '0', toipcs: 't', 'errors.deadletterqueue.topic.name': null };
  const answers = [
    await call('POST', '/connectors', { name: 'b', config: wrong }),
    await call('PUT', '/connectors/b/config', wrong),
    await call('PATCH', '/connectors/a/config', { 'tasks.max': '0', topics: null, toipcs: 't' }),
  ];
  for (const { status, message, invalid, unknown } of answers) {
    expect([status, unknown]).toEqual([400, [{ key: 'toipcs', suggestion: 'topics' }]]);
    expect(invalid).toEqual(
      expect.arrayContaining([
        { key: 'tasks.max', errors: ['Invalid value 0 for configuration tasks.max: Value must be at least 1'] },
        { key: 'topics', errors: ['Must configure one of topics or topics.regex'] },
      ]),
    );
    const told = (invalid as { errors: string[] }[]).flatMap(({ errors }) => errors);
    expect(message).toContain(`the following ${told.length} error(s):\n${told.join('\n')}\nYou can also`);
  }
  expect(answers[0]?.invalid).toContainEqual({
    key: 'errors.deadletterqueue.topic.name',
    errors: ['Null value can not be supplied as the configuration value.'],
  });
});

test('the header stays short and in ASCII, however much is wrong', async () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`transforms.t${at}.type`, 'ü'.repeat(500)]));
  const { headers, invalid } = await api()('POST', '/connectors', {
    name: 'a',
    config: {
      ...config,
      transforms: Object.keys(many)
        .map((key) => key.split('.')[1])
        .join(),
      ...many,
    },
  });
  const header = headers?.['sluice-invalid-keys'] as string;
  expect(header.length).toBeLessThanOrEqual(4_000);
  expect(header).toMatch(/^[ -~]+$/);
  expect((invalid as unknown[]).length).toBeGreaterThan(0);
});
