import { type MetricDefinition, measures } from '../../shared/runtime/measures.ts';

/** What is needed of a line in CloudWatch's embedded metric format. */
interface EmbeddedMetrics {
  readonly _aws: {
    readonly CloudWatchMetrics: readonly { readonly Dimensions: readonly (readonly string[])[]; readonly Metrics: readonly { readonly Name: string }[] }[];
  };
  readonly [member: string]: unknown;
}

interface Sample {
  readonly labels: string;
  value: number;
  at: number;
}

interface Family {
  readonly type: 'counter' | 'gauge';
  readonly samples: Map<string, Sample>;
}

/** A gauge that nobody has told for so long, in milliseconds, is gone: its connector was deleted, or has not run. */
const staleMs = 300_000;

const definitions = new Map(Object.values<readonly MetricDefinition[]>(measures).flatMap((each) => each.map((definition) => [definition.name, definition])));

/**
 * Gathers the metrics that functions write to their logs, for Prometheus to scrape. Names are those that the usual
 * configs of the JMX exporter give to Kafka Connect's metrics. Counters count since this process began.
 */
export class PrometheusMetrics {
  static readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  readonly #families = new Map<string, Family>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Reads a line of a log; one without metrics is left alone. */
  read(line: string): void {
    if (!line.startsWith('{"_aws":')) return;
    let parsed: EmbeddedMetrics;
    try {
      parsed = JSON.parse(line) as EmbeddedMetrics;
    } catch {
      // Cut off: its process was killed.
      return;
    }
    for (const { Dimensions, Metrics } of parsed._aws.CloudWatchMetrics) {
      // CloudWatch keeps one for each set of dimensions; here sums are made by who asks.
      const names = [...new Set(Dimensions.flat())];
      const labels = names.map((name) => `${name}="${escaped(String(parsed[name]))}"`).join(',');
      for (const { Name } of Metrics) {
        const value = parsed[Name];
        if (typeof value === 'number') this.#add(Name, labels, value);
      }
    }
  }

  /** The text format of Prometheus, version 0.0.4. */
  text(): string {
    const now = this.#now();
    let text = '';
    for (const [name, { type, samples }] of [...this.#families].sort(([one], [other]) => (one < other ? -1 : 1))) {
      for (const [labels, { at }] of samples) if (type === 'gauge' && now - at > staleMs) samples.delete(labels);
      if (samples.size === 0) continue;
      text += `# TYPE ${name} ${type}\n`;
      for (const { labels, value } of samples.values()) text += `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
    }
    return text;
  }

  #add(metric: string, labels: string, value: number): void {
    const definition = definitions.get(metric);
    const name = prometheusName(metric, definition?.mbean ?? null);
    let family = this.#families.get(name);
    if (family === undefined) {
      family = { type: definition?.how === 'sum' ? 'counter' : 'gauge', samples: new Map() };
      this.#families.set(name, family);
    }
    const at = this.#now();
    const sample = family.samples.get(labels);
    if (sample === undefined) family.samples.set(labels, { labels, value, at });
    else {
      sample.value = family.type === 'counter' ? sample.value + value : value;
      sample.at = at;
    }
  }
}

/** `put-batch-avg-time-ms` of `sink-task-metrics` is `kafka_connect_sink_task_put_batch_avg_time_ms`. */
function prometheusName(metric: string, mbean: MetricDefinition['mbean']): string {
  const words = metric.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return `kafka_connect_${mbean === null ? '' : `${mbean}-`}${words}`.replaceAll('-', '_');
}

function escaped(label: string): string {
  return label.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}
