import {
  type Clock,
  type ConnectorContext,
  type ErrantRecordReporter,
  type Logger,
  partitionKey,
  type SinkRecord,
  type SinkTaskContext,
  type SourceOffset,
  type SourcePartition,
  type SourceTaskContext,
} from '../../shared/connect/index.ts';

/** Time that passes only while somebody sleeps. */
export class VirtualClock implements Clock {
  #now: number;
  /** Milliseconds that were slept. */
  slept = 0;

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }
  advance(ms: number): void {
    this.#now += ms;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    this.#now += ms;
    this.slept += ms;
  }
  async nextTurn(): Promise<void> {}
}

export interface LogLine {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown> | undefined;
}

/** A logger whose lines can be looked at. */
export function collectingLogger(): Logger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: LogLine['level']) => (message: string, fields?: Record<string, unknown>) => {
    lines.push({ level, message, fields });
  };
  return { lines, trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Source offsets in memory. They go through JSON, as stored ones do. */
export class MemoryOffsets {
  readonly #offsets = new Map<string, string>();

  async offset(partition: SourcePartition): Promise<SourceOffset | null> {
    const text = this.#offsets.get(textOf(partition));
    return text === undefined ? null : parse(text);
  }
  offsets(partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]> {
    return Promise.all(partitions.map((each) => this.offset(each)));
  }
  set(partition: SourcePartition, offset: SourceOffset | null): void {
    if (offset === null) this.#offsets.delete(textOf(partition));
    else this.#offsets.set(textOf(partition), stringify(offset));
  }
  all(): [SourcePartition, SourceOffset][] {
    return [...this.#offsets].map(([partition, offset]) => [parse(partition), parse(offset)]);
  }
}

function textOf(partition: SourcePartition): string {
  return stringify(Object.fromEntries(Object.entries(partition).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, each) => (typeof each === 'bigint' ? { bigint: String(each) } : each));
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text, (_key, each) => (typeof each?.bigint === 'string' ? BigInt(each.bigint) : each));
}

/** A context for a source task, with what was told to it. */
export interface TestSourceContext extends SourceTaskContext {
  readonly clock: VirtualClock;
  readonly logger: ReturnType<typeof collectingLogger>;
  /** What `raiseError` was called with. */
  readonly raised: Error[];
  /** Ends the run: aborts the signal. */
  end(): void;
  /** Begins another run, as after a freeze: a new signal. */
  begin(): void;
}

/** A context for a source task: virtual clock, offsets in memory, collected log lines. */
export function sourceContext(
  config: Readonly<Record<string, string>>,
  {
    offsets = new MemoryOffsets(),
    clock = new VirtualClock(),
    task = 0,
    connector = 'test',
  }: { offsets?: MemoryOffsets; clock?: VirtualClock; task?: number; connector?: string } = {},
): TestSourceContext {
  const raised: Error[] = [];
  let controller = new AbortController();
  return {
    connector,
    task,
    config,
    offsetStorageReader: offsets,
    transactionContext: null,
    clock,
    logger: collectingLogger(),
    raised,
    get signal() {
      return controller.signal;
    },
    end: () => controller.abort(),
    begin: () => {
      controller = new AbortController();
    },
    requestTaskReconfiguration() {},
    raiseError: (error) => raised.push(error),
  };
}

/** What `taskConfigs` of a connector is given. */
export function connectorContext<C>(config: C, rawConfig: Readonly<Record<string, string>>, maxTasks: number): ConnectorContext<C> {
  return { name: 'test', config, rawConfig, maxTasks, clock: new VirtualClock(), logger: collectingLogger(), signal: new AbortController().signal };
}

/** A context for a sink task, with what it asked for. */
export interface TestSinkContext extends SinkTaskContext {
  readonly clock: VirtualClock;
  readonly logger: ReturnType<typeof collectingLogger>;
  readonly raised: Error[];
  /** Records that were reported as wrong. */
  readonly reported: { readonly record: SinkRecord; readonly error: Error }[];
  readonly paused: Set<string>;
  /** Where `offset` last said to read on. */
  rewound(): ReadonlyMap<string, bigint>;
  end(): void;
  begin(): void;
}

/** A context for a sink task that has one partition of `topic`. */
export function sinkContext(
  config: Readonly<Record<string, string>>,
  { clock = new VirtualClock(), topic = 'topic', reports = true }: { clock?: VirtualClock; topic?: string; reports?: boolean } = {},
): TestSinkContext {
  const raised: Error[] = [];
  const reported: TestSinkContext['reported'] = [];
  const paused = new Set<string>();
  let rewound: ReadonlyMap<string, bigint> = new Map();
  let controller = new AbortController();
  const reporter: ErrantRecordReporter = {
    async report(record, error) {
      reported.push({ record, error });
    },
  };
  return {
    connector: 'test',
    task: 0,
    config,
    clock,
    logger: collectingLogger(),
    raised,
    reported,
    paused,
    get signal() {
      return controller.signal;
    },
    end: () => controller.abort(),
    begin: () => {
      controller = new AbortController();
    },
    assignment: () => [{ topic, partition: 0 }],
    offset(offsets) {
      rewound = offsets;
    },
    rewound: () => rewound,
    pause: (partitions) => {
      for (const each of partitions) paused.add(partitionKey(each.topic, each.partition));
    },
    resume: (partitions) => {
      for (const each of partitions) paused.delete(partitionKey(each.topic, each.partition));
    },
    timeout() {},
    requestCommit() {},
    errantRecordReporter: reports ? reporter : null,
    raiseError: (error) => raised.push(error),
  };
}
