import type { Metrics } from '../runtime/ports.ts';

interface Sum {
  readonly unit: 'Count' | 'Milliseconds' | 'Bytes';
  readonly values: number[];
}

/** Metrics that are gathered during an invocation and written as CloudWatch embedded metric format lines when it ends. */
export interface FlushableMetrics extends Metrics {
  /** Writes and forgets what was gathered: a line for each connector and task. */
  flush(now: number, write?: (line: string) => void): void;
}

/** Counts are summed; other units keep their values, so that CloudWatch can tell percentiles (100 at most in a line). */
export function emfMetrics(namespace = 'Sluice'): FlushableMetrics {
  const gathered = new Map<string, { dimensions: Record<string, string>; metrics: Map<string, Sum> }>();
  return {
    add(name, value, unit, { connector, task }) {
      const key = `${connector}\0${task ?? ''}`;
      let group = gathered.get(key);
      if (group === undefined) {
        group = { dimensions: task === undefined ? { connector } : { connector, task: String(task) }, metrics: new Map() };
        gathered.set(key, group);
      }
      const sum = group.metrics.get(name) ?? { unit, values: [] };
      group.metrics.set(name, sum);
      if (unit === 'Count') sum.values[0] = (sum.values[0] ?? 0) + value;
      else if (sum.values.length < 100) sum.values.push(value);
    },
    flush(now, write = (line) => console.log(line)) {
      for (const { dimensions, metrics } of gathered.values()) {
        const definitions = [...metrics].map(([Name, { unit }]) => ({ Name, Unit: unit }));
        const values = [...metrics].map(
          ([
            name,
            {
              values: [...all],
            },
          ]) => [name, all.length === 1 ? all[0] : all],
        );
        const CloudWatchMetrics = [{ Namespace: namespace, Dimensions: [['connector'], Object.keys(dimensions)], Metrics: definitions }];
        write(JSON.stringify({ _aws: { Timestamp: now, CloudWatchMetrics }, ...dimensions, ...Object.fromEntries(values) }));
      }
      gathered.clear();
    },
  };
}
