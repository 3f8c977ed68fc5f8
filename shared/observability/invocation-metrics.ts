import type { Clock } from '../connect/clock.ts';
import { type Dimensions, type Measure, type MetricDefinition, type MetricUnit, measures } from '../runtime/measures.ts';
import type { Metrics } from '../runtime/ports.ts';

/** What is needed of Powertools' Metrics: what it is told until `publishStoredMetrics` becomes one line, and is forgotten. */
export interface MetricsLine {
  addDimensions(dimensions: Record<string, string>): unknown;
  addMetric(name: string, unit: MetricUnit, value: number): unknown;
  publishStoredMetrics(): unknown;
}

/**
 * `standard`: what people look at and alarm on; a value that stays 0 is not written, because CloudWatch charges for each
 * metric and hour. `detailed`: everything that Kafka Connect has, also zeros. `off`: nothing.
 */
export type MetricsLevel = 'standard' | 'detailed' | 'off';

/** Metrics that are gathered during an invocation and written when it ends, and every `intervalMs` in a long one. */
export interface FlushableMetrics extends Metrics {
  readonly intervalMs: number;
  /** Writes and forgets what was gathered: for each connector and task a line for each combination of dimension sets. */
  flush(): void;
}

class Gathered {
  count = 0;
  sum = 0;
  maximum = Number.NEGATIVE_INFINITY;
  minimum = Number.POSITIVE_INFINITY;
  last = 0;

  add(value: number): void {
    this.count++;
    this.sum += value;
    this.last = value;
    if (value > this.maximum) this.maximum = value;
    if (value < this.minimum) this.minimum = value;
  }

  as(how: MetricDefinition['how']): number {
    return how === 'average' ? this.sum / this.count : this[how];
  }
}

interface Group {
  readonly key: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: Map<Measure, Gathered>;
}

/** @param options.line one that has no dimensions of its own */
export function invocationMetrics(options: { line: MetricsLine; clock: Clock; level: MetricsLevel; intervalMs: number }): FlushableMetrics {
  const { line, clock, level, intervalMs } = options;
  const groups = new Map<string, Group>();
  /** Values that were not 0 when they were written last: their return to 0 is told once. */
  const nonZero = new Set<string>();
  let flushedAt = clock.now();

  const wanted = (group: Group, { name, how, detailed }: MetricDefinition, value: number): boolean => {
    if (level === 'detailed') return true;
    if (detailed) return false;
    if (how !== 'last') return true;
    const key = `${name}\0${group.key}`;
    if (value !== 0) nonZero.add(key);
    return nonZero.has(key) && (value !== 0 || nonZero.delete(key));
  };

  const write = (group: Group): void => {
    const lines = new Map<string, { sets: MetricDefinition['sets']; metrics: { name: string; unit: MetricUnit; value: number }[] }>();
    for (const [measure, gathered] of group.values) {
      for (const definition of measures[measure]) {
        const value = gathered.as(definition.how);
        const sets = definition.sets.filter((set) => set.every((name) => name in group.dimensions));
        if (sets.length === 0 || !wanted(group, definition, value)) continue;
        const key = sets.join(';');
        let made = lines.get(key);
        if (made === undefined) {
          made = { sets, metrics: [] };
          lines.set(key, made);
        }
        made.metrics.push({ name: definition.name, unit: definition.unit, value });
      }
    }
    for (const { sets, metrics } of lines.values()) {
      for (const set of sets) line.addDimensions(Object.fromEntries(set.map((name) => [name, group.dimensions[name] as string])));
      for (const { name, unit, value } of metrics) line.addMetric(name, unit, value);
      line.publishStoredMetrics();
    }
  };

  const flush = () => {
    flushedAt = clock.now();
    for (const group of groups.values()) write(group);
    groups.clear();
  };

  return {
    intervalMs,
    flush,
    add(measure, value, dimensions) {
      if (level === 'off') return;
      if (clock.now() - flushedAt >= intervalMs) flush();
      const key = `${dimensions.connector ?? ''}\0${dimensions.task ?? ''}\0${dimensions.function ?? ''}`;
      let group = groups.get(key);
      if (group === undefined) {
        group = { key, dimensions: textsOf(dimensions), values: new Map() };
        groups.set(key, group);
      }
      let gathered = group.values.get(measure);
      if (gathered === undefined) {
        gathered = new Gathered();
        group.values.set(measure, gathered);
      }
      gathered.add(value);
    },
  };
}

function textsOf(dimensions: Dimensions): Record<string, string> {
  return Object.fromEntries(Object.entries(dimensions).map(([name, value]) => [name, dimensionValue(String(value))]));
}

/** CloudWatch takes up to 1024 printable ASCII characters that do not begin with a colon; others are written as in a URL. */
function dimensionValue(text: string): string {
  return text
    .toWellFormed()
    .replace(/^:|[^ -~]/gu, encodeURIComponent)
    .slice(0, 1024);
}
