import { expect, test } from 'vitest';
import { resultOf } from '../../functions/rest-api/http.ts';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { offlineHerder } from '../kit/offline-herder.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';
const herder = offlineHerder(collectingLogger());
const config = { name: 'a', 'connector.class': 'FileStreamSink', topics: 't', file: '/tmp/a' };

async function header(more: Record<string, string>): Promise<string | undefined> {
  const body = JSON.stringify({ ...config, ...more });
  const path = '/connector-plugins/FileStreamSink/config/validate';
  const request = { method: 'PUT', path, query: new URLSearchParams(), headers: { 'content-type': 'application/json' }, body };
  const { statusCode, headers } = resultOf(await answer(request, { herder, logger: collectingLogger() }));
  expect(statusCode).toBe(200);
  return headers?.['sluice-unknown-keys'] as string | undefined;
}

test('a validation tells keys that nothing reads in a header, with what may have been meant, and only then', async () => {
  expect(await header({})).toBeUndefined();
  expect(await header({ 'value.converter': text, 'value.converter.converter.encoding': 'UTF-8', 'consumer.override.max.poll.records': '5' })).toBeUndefined();
  expect(JSON.parse((await header({ flie: '/tmp/a', 'tasks.maxx': '2', schlüssel: 'x' })) as string)).toEqual([
    { key: 'flie', suggestion: 'file' },
    { key: 'tasks.maxx', suggestion: 'tasks.max' },
    { key: 'schlüssel', suggestion: null },
  ]);
  expect(await header({ schlüssel: 'x' })).toMatch(/^[ -~]+$/);
});

test('the header stays within what API Gateway takes', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`nobody.knows.this.key.${at}`, 'x']));
  const told = (await header(many)) as string;
  expect(told.length).toBeLessThanOrEqual(4_000);
  expect((JSON.parse(told) as unknown[]).length).toBeGreaterThan(10);
});
