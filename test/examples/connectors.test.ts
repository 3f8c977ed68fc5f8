import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsSink, eventsSource, plugins } from '../../examples/connectors/events.ts';
import { Schema, struct } from '../../shared/connect/index.ts';
import { SinkRun, sinkConnectorContract, sinkRecords } from '../kit/sink-connector.ts';
import { SourceRun, sourceConnectorContract } from '../kit/source-connector.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-events-'));
const file = join(folder, 'events.db');
let db: DatabaseSync;
beforeAll(() => {
  db = new DatabaseSync(file);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function emptyTable(rows = 0): void {
  db.exec('DROP TABLE IF EXISTS events; CREATE TABLE events (id INTEGER PRIMARY KEY, text TEXT)');
  for (let id = 1; id <= rows; id++) db.prepare('INSERT INTO events VALUES (?, ?)').run(id, `text ${id}`);
}
const schema = struct({ id: Schema.INT64_SCHEMA, text: Schema.STRING_SCHEMA });

describe('the example source', () => {
  sourceConnectorContract({
    definition: eventsSource,
    records: 7,
    setUp() {
      emptyTable(7);
      return { file, topic: 'events', 'batch.size': '3' };
    },
  });

  test('sees rows that come later', async () => {
    emptyTable(1);
    const run = await SourceRun.start(eventsSource, { file, topic: 'events' });
    expect(await run.drain()).toHaveLength(1);
    db.prepare('INSERT INTO events VALUES (9, ?)').run('late');
    expect((await run.drain()).map(({ value }) => value)).toEqual([{ id: 9n, text: 'late' }]);
    await run.task.stop();
  });
});

describe('the example sink', () => {
  sinkConnectorContract({
    definition: eventsSink,
    idempotent: true,
    records: sinkRecords([1n, 2n, 3n].map((id) => ({ value: { id, text: `text ${id}` }, valueSchema: schema }))),
    setUp() {
      emptyTable();
      return { file };
    },
    readBack: () =>
      db
        .prepare('SELECT text FROM events ORDER BY id')
        .all()
        .map(({ text }) => text),
    expected: ({ value }) => (value as { text: string }).text,
  });

  test('reports a record that it cannot write and writes the others; without a reporter it fails', async () => {
    emptyTable();
    const records = sinkRecords([{ value: { id: 1, text: 'right' } }, { value: { id: 2 } }]);
    const run = await SinkRun.start(eventsSink, { file });
    await run.put(records);
    expect(run.context.reported.map(({ record }) => record)).toEqual([records[1]]);
    expect(db.prepare('SELECT count(*) AS rows FROM events').get()).toEqual({ rows: 1 });
    await run.stop();
    const strict = await SinkRun.start(eventsSink, { file }, { reports: false });
    await expect(strict.put(records)).rejects.toThrow('A value needs the fields id and text');
    await strict.stop();
  });
});

test('the module exports what plugin.path looks for', () => {
  expect(plugins).toEqual([eventsSource, eventsSink]);
});
