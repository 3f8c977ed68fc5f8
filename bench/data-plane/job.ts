/** A plugin with its config. */
export interface Described {
  readonly type: string;
  readonly config: Readonly<Record<string, string>>;
}

/** What both sides are asked to do: a line of JSON. */
export interface Job {
  readonly converter: Described;
  readonly transforms: readonly Described[];
  /** Values of records, in base64; they are taken again and again. */
  readonly records: readonly string[];
  /** Records before anything is measured, and in each round. */
  readonly warmup: number;
  readonly total: number;
  readonly rounds: number;
}

/** What they answer: another line. */
export interface Answer {
  /** SHA-256 of what came out, to see that both did the same. */
  readonly digest: string;
  readonly rounds: readonly { readonly seconds: number; readonly cpuSeconds: number }[];
  /** Nanoseconds a record: reading, each transformation, writing. */
  readonly steps: readonly number[];
}
