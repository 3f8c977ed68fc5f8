import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CostedConnector, estimateCost } from '../../infra/cli/cost/model.ts';
import { listPrices } from '../../infra/cli/cost/prices.ts';
import { costTables } from '../../infra/cli/cost/tables.ts';
import { sluice } from '../../infra/cli/main.ts';

const hoursPerMonth = 730;
const sink: CostedConnector = {
  name: 'orders',
  kind: 'sink',
  jdbc: false,
  tasks: 1,
  gbPerDay: 0,
  recordBytes: 1000,
  activeHours: 24,
  mode: 'look',
  idlePollsPerDay: null,
};
const estimate = (...connectors: CostedConnector[]) => estimateCost(connectors, { size: 'medium', prices: listPrices });
const lineOf = ({ lines }: ReturnType<typeof estimate>, what: string) => lines.find((line) => line.what === what)?.dollars ?? Number.NaN;

describe('the cost of pipelines', () => {
  test('that are idle is that of the looks', () => {
    const idle = estimate(sink);
    // A look of 9.5 ms of a whole core takes 32.8 ms at 512 MB, which have 0.29 of one: 0.0164 GB-s, 43,800 times a month.
    const looks = 60 * hoursPerMonth;
    expect(lineOf(idle, 'Lambda')).toBeCloseTo(looks * ((0.0095 / (512 / 1769)) * 0.5 * 0.0000133334 + 0.2e-6), 6);
    expect(lineOf(idle, 'CloudWatch alarms')).toBeCloseTo(1.2);
    expect(idle.total).toBeLessThan(10);
    expect(idle.mskConnect).toEqual({ units: 1, dollars: expect.closeTo(80.3) });
    expect(idle.ownCluster).toEqual({ workers: 2, dollars: expect.closeTo(119.136) });
  });

  test('whose runs wait for the next record is that of a function that runs all the time', () => {
    const always = estimate({ ...sink, gbPerDay: 1, mode: 'continuous' });
    const seconds = hoursPerMonth * 3600;
    const task = ((seconds * 1769) / 1024) * 0.0000133334 + (seconds / 890) * 0.2e-6;
    expect(lineOf(always, 'Lambda') - lineOf(estimate(sink), 'Lambda')).toBeCloseTo(task, 4);
    const eight = estimate({ ...sink, gbPerDay: 1, mode: 'continuous', activeHours: 8 });
    expect(lineOf(eight, 'Lambda') - lineOf(estimate(sink), 'Lambda')).toBeCloseTo(task / 3, 4);
  });

  test('that read once a minute is that of their work and of the runs', () => {
    const minutes = estimate({ ...sink, gbPerDay: 10 });
    // 10 million records a day take 0.95 s a million, and a second for each gigabyte, twice that in time.
    const work = (10 * 0.95 + 10 * 1.0) * 2 * (365 / 12);
    const runs = 60 * hoursPerMonth;
    const seconds = work + runs * 0.06;
    expect(lineOf(minutes, 'Lambda') - lineOf(estimate(sink), 'Lambda')).toBeCloseTo(((seconds * 1769) / 1024) * 0.0000133334 + runs * 0.2e-6, 4);
  });

  test('grows with tasks, polls and records; peers get as many units as their CPU needs', () => {
    const totals = [
      estimate(sink),
      estimate({ ...sink, gbPerDay: 1 }),
      estimate({ ...sink, gbPerDay: 100 }),
      estimate({ ...sink, gbPerDay: 100, mode: 'continuous' }),
      estimate({ ...sink, gbPerDay: 100, mode: 'continuous', tasks: 3 }),
    ].map(({ total }) => total);
    expect([...totals].sort((a, b) => a - b)).toEqual(totals);
    const heavy = { ...sink, jdbc: true, gbPerDay: 100, activeHours: 1 };
    // 100 million rows at 10.34 s a million and 110 s for the bytes, in an hour, on workers that are busy for 60 %.
    expect(estimate(heavy).mskConnect.units).toBe(Math.ceil((1034 + 110) / 3600 / 0.6));
    const polled: CostedConnector = { ...sink, kind: 'source', idlePollsPerDay: 1440 };
    expect(estimate(polled).total).toBeGreaterThan(estimate({ ...polled, idlePollsPerDay: 24 }).total);
  });
});

describe('sluice cost', () => {
  let folder: string;
  let spec: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-cost-'));
    spec = join(folder, 'orders.json');
    const config = { 'connector.class': 'io.confluent.connect.jdbc.JdbcSinkConnector', topics: 'orders', 'tasks.max': '2', 'connection.url': 'jdbc:sqlite:x' };
    await writeFile(spec, JSON.stringify({ name: 'orders', config }));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = async (...args: string[]) => {
    const out: string[] = [];
    const complaints: string[] = [];
    const code = await sluice(
      ['cost', ...args],
      {},
      (line) => out.push(line),
      (line) => complaints.push(line),
    );
    return { code, out: out.join('\n'), complaints: complaints.join('\n') };
  };

  test('prints a bill, and what the same costs elsewhere', async () => {
    const { code, out } = await run(spec, '--gb-per-day', '10');
    expect(code).toBe(0);
    expect(out).toMatch(/1 connector, 2 tasks, 10 GB a day in 24 hours, size medium/);
    for (const line of ['Lambda', 'DynamoDB', 'Sluice', 'MSK Connect, 1 MCU', '2 × m7g.large']) expect(out).toContain(line);
    expect(out).toContain('"sluice.idle.linger.ms": "0"');
  });

  test('gives figures to programs, at prices of one’s own', async () => {
    const prices = join(folder, 'prices.json');
    await writeFile(prices, JSON.stringify({ mskConnectUnitHour: 1 }));
    const { out } = await run(spec, '--json', '--prices', prices);
    expect(JSON.parse(out)).toMatchObject({ size: 'medium', connectors: [{ name: 'orders', jdbc: true, tasks: 2 }], mskConnect: { units: 1, dollars: 730 } });
  });

  test.each([
    [[], 'Name at least one spec file'],
    [['SPEC', '--gb-per-day', 'lots'], '--gb-per-day must be a number from 0 on, not lots'],
    [['SPEC', '--active-hours', '25'], '--active-hours must be a number from 0 to 24, not 25'],
    [['SPEC', '--size', 'huge'], '--size must be one of small, medium, large, not huge'],
    [['SPEC', '--gb', '1'], "Unknown option '--gb'"],
    [['none.json'], 'none.json cannot be read: there is no such file'],
  ])('%j is refused by what is wrong', async (args, message) => {
    const { code, complaints } = await run(...args.map((arg) => (arg === 'SPEC' ? spec : arg)));
    expect([code, complaints]).toEqual([2, expect.stringContaining(message)]);
  });
});

test('docs/cost.md has the tables that the calculator makes', async () => {
  const page = await readFile(new URL('../../docs/cost.md', import.meta.url), 'utf8');
  // The formatter aligns tables.
  const plain = (text: string) => text.replaceAll(/ *\| */g, '|').replaceAll(/-{3,}/g, '---');
  for (const table of costTables()) expect(plain(page)).toContain(plain(table));
});
