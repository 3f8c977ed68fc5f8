import { setTimeout as sleep } from 'node:timers/promises';

/** What is measured of one connector at work. */
export interface Measurement {
  readonly records: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/**
 * Watches a count grow from its first sign to `total`. Start-up is left out: time and CPU begin where the first records
 * are seen, and those records are not counted. Throws when nothing grows for a minute.
 */
export async function measureGrowth(options: { total: number; count: () => Promise<number>; cpu: () => number; intervalMs?: number }): Promise<Measurement> {
  const { total, count, cpu, intervalMs = 10 } = options;
  let first = 0;
  let startedAt = 0;
  let cpuAtStart = 0;
  let last = 0;
  let grewAt = performance.now();
  for (;;) {
    const now = await count();
    const at = performance.now();
    if (now > last) grewAt = at;
    last = now;
    if (now > 0 && startedAt === 0) {
      first = now;
      startedAt = at;
      cpuAtStart = cpu();
    }
    if (now >= total) return { records: now - first, seconds: (at - startedAt) / 1000, cpuSeconds: cpu() - cpuAtStart };
    if (at - grewAt > 60_000) throw new Error(`Stuck at ${now} of ${total} records`);
    await sleep(intervalMs);
  }
}

/** Asks until the answer is true; throws after the time given. */
export async function until(what: string, ask: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await ask().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await sleep(50);
  }
}

/** A JSON request to a Kafka Connect REST API. */
export async function rest(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(new URL(path, url), init);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}
