import type { Lease } from './ports.ts';

/** `PENDING`: no run has begun with it. `CANCELLED`: its user ended it, or its connector is gone. */
export type ReplayState = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** One time that dead letters of a connector go through its pipeline again. */
export interface Replay {
  readonly connector: string;
  /** In the order of time. */
  readonly id: string;
  readonly state: ReplayState;
  /** What was asked for; JSON. */
  readonly request: Readonly<Record<string, unknown>>;
  /** Topics: the next offset of each partition of the dead letter topic, by its number. */
  readonly positions: ReadonlyMap<string, bigint>;
  /** Topics: where each partition ended when it was asked for: what fails again is beyond. */
  readonly ends: ReadonlyMap<string, bigint>;
  readonly counts: ReplayCounts;
  /** Why it FAILED, or waits. */
  readonly error: string | null;
  readonly trace: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Fences writes, as that of a task does. */
  readonly epoch: number;
  readonly lease: Lease | null;
  readonly dueAt: number | null;
  /** Runs in a row that ended without a word. */
  readonly lostRuns: number;
}

export interface ReplayCounts {
  /** Letters that were looked at. */
  readonly read: number;
  /** Those that went through the pipeline, also those that failed again. */
  readonly replayed: number;
  /** Those of them that are in the queue again. */
  readonly failedAgain: number;
  /** Left out: they had been replayed before. */
  readonly alreadyReplayed: number;
  /** Left out: they are cut, or their object in S3 is gone. */
  readonly unreadable: number;
}

/** Letters of one partition of a dead letter topic. */
export interface LetterPlaces {
  readonly topic: string;
  readonly partition: number;
  readonly offsets: readonly bigint[];
}

/** A letter by which a topic is known again that was deleted and made anew. */
export interface LetterMark {
  readonly offset: bigint;
  readonly digest: string;
}

/** Replays, and which letters were replayed. Every method is one atomic step. */
export interface ReplayStore {
  /** Null when another replay of this connector is under way, or there is no such connector. It is due at once. */
  create(replay: { connector: string; id: string; request: Replay['request']; positions: Replay['positions']; ends: Replay['ends'] }): Promise<Replay | null>;
  get(connector: string, id: string): Promise<Replay | null>;
  /** The newest first, as many as are kept. */
  list(connector: string): Promise<readonly Replay[]>;
  /** Takes the lease of a replay; null when it is held, over, or gone. */
  acquire(request: { connector: string; id: string; owner: string; expiresAt: number }): Promise<Replay | null>;
  /**
   * Stores how far it is, and which letters were replayed since, in one step: a letter is done when the position is past it. The last
   * mark of a partition is kept. FencedException when the lease is lost, or its user has cancelled it.
   */
  commit(
    replay: Replay,
    progress: { positions: Replay['positions']; counts: ReplayCounts; done: readonly (LetterPlaces & { readonly last: LetterMark })[] },
  ): Promise<void>;
  /** Gives the lease back: due again at `dueAt`, or in a state that is the end. FencedException as above. */
  release(
    replay: Replay,
    outcome: { dueAt: number; error: string | null } | { state: 'COMPLETED' | 'FAILED' | 'CANCELLED'; error: string | null; trace: string | null },
  ): Promise<void>;
  /** Ends a replay that is under way; a run of it stores nothing more. Null when there is none of this id. */
  cancel(connector: string, id: string): Promise<Replay | null>;
  /** Claims one that is due, so that the next looks leave it alone until `dueAt`; false when it changed meanwhile. */
  defer(replay: Replay, dueAt: number): Promise<boolean>;
  /** The lease of a run that is known to be over is free, and the replay due; false when it was not its owner any more. */
  free(connector: string, id: string, owner: string): Promise<boolean>;
  /** Which of these letters were replayed. */
  replayed(connector: string, places: LetterPlaces): Promise<ReadonlySet<bigint>>;
  /** The last letter of a partition that was replayed; null: none was. */
  lastReplayed(connector: string, topic: string, partition: number): Promise<LetterMark | null>;
  /** Forgets what was replayed of a partition: the topic is another one now. */
  forget(connector: string, topic: string, partition: number): Promise<void>;
}
