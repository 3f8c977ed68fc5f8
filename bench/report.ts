export type Peer = 'kafka-connect' | 'java-client';

/** One measured round of one case by one system. */
export interface Result {
  readonly case: string;
  readonly system: 'sluice' | Peer;
  readonly round: number;
  readonly records: number;
  readonly seconds: number;
  /** CPU seconds of the whole process that does the work. */
  readonly cpuSeconds: number;
}

/** What is measured of ours alone, a value a round, and what it should stay below. */
export interface Figure {
  readonly case: string;
  readonly what: string;
  readonly unit: 'ms' | 'MB' | 'ns a record' | 'requests' | '%';
  readonly values: readonly number[];
  readonly goal?: number;
}

export interface BenchmarkOptions {
  /** Fewer records, fewer rounds. */
  readonly quick: boolean;
  readonly log: (line: string) => void;
  /** Takes what has no peer. */
  readonly figure: (figure: Figure) => void;
}

export type Benchmark = (options: BenchmarkOptions) => Promise<readonly Result[]>;

/** Prints a table for people, then the line `BENCH {…}` for scripts. Ratios are of the medians over the rounds: ours to the peer's. */
export function printReport(name: string, results: readonly Result[], figures: readonly Figure[] = []): void {
  const ratios: Record<string, { throughput: number; cpu: number }> = {};
  if (results.length > 0) console.log(`${'case'.padEnd(16)}${'system'.padEnd(16)}${'rec/s (min median max)'.padEnd(34)}CPU-s per million (min median max)`);
  for (const each of new Set(results.map((result) => result.case))) {
    const medians: Record<string, { throughput: number; cpu: number }> = {};
    for (const system of ['sluice', 'kafka-connect', 'java-client'] as const) {
      const rounds = results.filter((result) => result.case === each && result.system === system);
      if (rounds.length === 0) continue;
      const throughput = rounds.map(({ records, seconds }) => records / seconds);
      const cpu = rounds.map(({ records, cpuSeconds }) => (cpuSeconds / records) * 1e6);
      medians[system] = { throughput: median(throughput), cpu: median(cpu) };
      console.log(each.padEnd(16) + system.padEnd(16) + spread(throughput, 0).padEnd(34) + spread(cpu, 2));
    }
    const ours = medians.sluice;
    const peer = medians['kafka-connect'] ?? medians['java-client'];
    if (ours === undefined || peer === undefined) continue;
    ratios[each] = { throughput: round(ours.throughput / peer.throughput), cpu: round(ours.cpu / peer.cpu) };
    console.log(`${each.padEnd(16)}ratio           ${String(ratios[each].throughput).padEnd(34)}${ratios[each].cpu}`);
  }
  for (const { case: each, what, unit, values, goal } of figures) {
    const given = goal === undefined ? '' : `; the goal is below ${goal}`;
    const text = values.length === 1 ? `${values[0]?.toFixed(2)} ${unit}${given}` : `${spread(values, 0)} ${unit} (min median max${given})`;
    console.log(`${each.padEnd(16)}${what}: ${text}`);
  }
  console.log(`BENCH ${JSON.stringify({ name, results, ratios, ...(figures.length > 0 ? { figures } : {}) })}`);
}

/** Of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
}

function spread(values: readonly number[], digits: number): string {
  const text = (value: number) => value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return `${text(Math.min(...values))}  ${text(median(values))}  ${text(Math.max(...values))}`;
}

const round = (value: number) => Math.round(value * 1000) / 1000;
