import { expect, test } from 'vitest';
import { answer } from '../../functions/rest-api/rest-api.ts';
import { connectors } from '../../shared/connectors/index.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { KafkaClients } from '../../shared/kafka/ports.ts';
import { plugins } from '../../shared/plugins.ts';
import { collectingLogger } from '../kit/contexts.ts';
import { ManualClock } from '../kit/storage.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

const clock = new ManualClock();
const logger = collectingLogger();
const herder = new Herder({ storage: createMemoryStorage(clock), kafka: {} as KafkaClients, plugins, worker: {}, clock, logger, workerId: 'api-1' });

async function delivery(plugin: string): Promise<string | undefined> {
  const request = { method: 'GET', path: `/connector-plugins/${plugin}/config`, query: new URLSearchParams(), headers: {}, body: '' };
  const { status, headers } = await answer(request, { herder, logger });
  expect(status).toBe(200);
  return headers?.['sluice-delivery'];
}

test('Every connector tells what it guarantees, beside its keys', async () => {
  for (const { className } of connectors) expect(await delivery(className), className).toMatch(/^at-least-once(; exactly-once when [\w.]+=\w+)?$/);
  expect(await delivery('FileStreamSource')).toBe('at-least-once; exactly-once when exactly.once.support=required');
  expect(await delivery('JdbcSinkConnector')).toBe('at-least-once; exactly-once when sluice.exactly.once=true');
  expect(await delivery('FileStreamSink')).toBe('at-least-once');
});

test('Other plugins have no such header', async () => {
  expect(await delivery('RegexRouter')).toBeUndefined();
});
