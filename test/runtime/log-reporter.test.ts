import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { DataException } from '../../shared/connect/index.ts';
import type { ConsumerRecord } from '../../shared/kafka/ports.ts';
import { LogReporter } from '../../shared/runtime/errors/log-reporter.ts';
import type { ProcessingContext } from '../../shared/runtime/errors/processing-context.ts';
import { collectingLogger } from '../kit/contexts.ts';

const record: ConsumerRecord = { offset: 42n, timestamp: 1700000000000, timestampType: 'CreateTime', key: null, value: Buffer.from('secret'), headers: [] };
const failed: ProcessingContext = {
  stage: 'VALUE_CONVERTER',
  className: 'org.apache.kafka.connect.json.JsonConverter',
  error: new DataException('no JSON'),
  consumed: { topic: 'orders', partition: 3, record },
  source: null,
};

function said(context: ProcessingContext, includeMessages: boolean): string | undefined {
  const logger = collectingLogger();
  new LogReporter({ logger, connector: 'sink', task: 0, includeMessages, metrics: { add() {}, set() {} } as never }).report(context);
  return inspect(logger.lines, { depth: 8 }).includes('secret') ? 'the content of a record' : logger.lines[0]?.message;
}

test('a failed record is told in Kafka Connect’s sentence, with its place where that is asked for, and never with its content', () => {
  const start = "Error encountered in task sink-0. Executing stage 'VALUE_CONVERTER' with class 'org.apache.kafka.connect.json.JsonConverter'";
  expect(said(failed, false)).toBe(`${start}.`);
  expect(said(failed, true)).toBe(
    `${start}, where consumed record is {topic='orders', partition=3, offset=42, timestamp=1700000000000, timestampType=CreateTime}.`,
  );
  const source = { topic: 'lines', partition: { file: 'a' }, offset: { position: 7n } };
  expect(said({ ...failed, consumed: null, source }, true)).toBe(
    `${start}, where source record is = SourceRecord{sourcePartition={"file":"a"}, sourceOffset={"position":"7"}} ConnectRecord{topic='lines'}.`,
  );
});
