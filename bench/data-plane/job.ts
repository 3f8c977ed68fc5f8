/** A plugin with its config. */
export interface Described {
  readonly type: string;
  readonly config: Readonly<Record<string, string>>;
}

/** What both sides are asked to do: a line of JSON. */
export interface Job {
  readonly converter: Described;
  readonly transforms: readonly Described[];
  /** Avro: the schema that the records are written with, for the side that has no registry. */
  readonly avroSchema?: string;
  /** How many bytes of what comes out tell an id, which may differ. */
  readonly headerLength: number;
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
