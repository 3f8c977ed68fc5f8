import type { Dimensions, Measure } from '../../shared/runtime/measures.ts';
import type { Metrics } from '../../shared/runtime/ports.ts';

/** Keeps what was measured. */
export class RecordedMetrics implements Metrics {
  readonly all: { measure: Measure; value: number; dimensions: Dimensions }[] = [];

  add(measure: Measure, value: number, dimensions: Dimensions): void {
    this.all.push({ measure, value, dimensions });
  }

  /** What was measured of a connector, or a task of it, in order. */
  values(measure: Measure, connector?: string, task?: number): number[] {
    return this.all
      .filter(
        (each) =>
          each.measure === measure &&
          (connector === undefined || each.dimensions.connector === connector) &&
          (task === undefined || each.dimensions.task === task),
      )
      .map(({ value }) => value);
  }

  sum(measure: Measure, connector?: string): number {
    return this.values(measure, connector).reduce((sum, value) => sum + value, 0);
  }
}
