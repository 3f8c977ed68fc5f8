/** What a client is to read; the topic holds at least as many records. */
export interface ReadWork {
  readonly brokers: string;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  /** Consumer keys of ours. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What a client is to produce. */
export interface ProduceWork {
  readonly brokers: string;
  readonly topic: string;
  readonly records: number;
  /** A file of values, a line each; records take random ones. */
  readonly payloads: string;
  /** Producer keys besides `acks`. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What came of it. */
export interface ClientRun {
  readonly records: number;
  readonly seconds: number;
  /** Of the whole process, its start included. */
  readonly cpuSeconds: number;
}
