import { isRetriable, traceOf } from '../../../connect/errors.ts';
import { type ConnectorSnapshot, FencedException, type Replay, type ReplayCounts } from '../../../storage/ports.ts';
import type { RuntimePorts } from '../../ports.ts';
import type { RunOutcome } from '../../task-run.ts';
import type { Invocation } from '../../worker.ts';
import { ConnectorLetters } from '../connector-letters.ts';
import type { LetterPipeline } from './letter-pipeline.ts';
import { replayQueue } from './replay-queue.ts';
import type { ReplayRequest } from './replay-request.ts';
import { replayTopic } from './replay-topic.ts';
import { SinkLetters } from './sink-letters.ts';
import { SourceLetters } from './source-letters.ts';

/** Runs that end without a word, one after the other: then something about the letters kills them. */
const maxLostRuns = 5;
const retryMs = 10_000;

/** What a replay of either kind of queue works with. */
export interface ReplayWork {
  readonly ports: RuntimePorts;
  readonly replay: Replay;
  readonly request: ReplayRequest;
  readonly letters: ConnectorLetters;
  readonly kind: 'source' | 'sink';
  readonly pipeline: LetterPipeline;
  /** Aborted near the deadline, or when the process is asked to end: what is under way is finished or left. */
  readonly signal: AbortSignal;
}

/** How far a run came: `over`: there is nothing left; else when it goes on, and why it waits. */
export interface ReplayProgress {
  readonly counts: ReplayCounts;
  readonly next: 'over' | { readonly delayMs: number; readonly why: string | null };
}

/**
 * One run of a replay: acquire, letters through the pipeline page by page, each with a commit of how far it is, release. A
 * run that dies leaves its position; what was under way goes through the pipeline again, as after the crash of any task.
 */
export async function runReplay(
  ports: RuntimePorts,
  { connector, replay: id }: { connector: string; replay: string },
  invocation: Invocation,
): Promise<RunOutcome> {
  const { storage, clock, logger } = ports;
  const replay = await storage.replays.acquire({ connector, id, owner: invocation.id, expiresAt: invocation.expiresAt });
  if (replay === null) return { outcome: 'skipped', records: 0 };
  const end = new AbortController();
  const ended = () => end.abort();
  invocation.shutdown.addEventListener('abort', ended, { once: true });
  if (invocation.shutdown.aborted) ended();
  void clock.sleep(invocation.deadlineAt - clock.now(), end.signal).then(ended);
  try {
    return await run(ports, replay, end.signal, invocation.deadlineAt);
  } catch (error) {
    if (error instanceof FencedException) {
      logger.warn(error.message, { connector, replay: id });
      return { outcome: 'fenced', records: 0 };
    }
    logger.error(`Replay ${id} of connector ${connector} failed`, { connector, replay: id, error: String(error) });
    try {
      if (isRetriable(error)) await storage.replays.release(replay, { dueAt: clock.now() + retryMs, error: String(error) });
      else await storage.replays.release(replay, { state: 'FAILED', error: String(error), trace: traceOf(error) });
    } catch (fenced) {
      if (!(fenced instanceof FencedException)) throw fenced;
    }
    return { outcome: isRetriable(error) ? 'stopped' : 'failed', records: 0 };
  } finally {
    invocation.shutdown.removeEventListener('abort', ended);
    end.abort();
  }
}

async function run(ports: RuntimePorts, replay: Replay, signal: AbortSignal, deadlineAt: number): Promise<RunOutcome> {
  const { storage, clock, invoker, logger } = ports;
  const { connector, id } = replay;
  const over = async (state: 'COMPLETED' | 'FAILED' | 'CANCELLED', error: string | null) => {
    await storage.replays.release(replay, { state, error, trace: null });
    return { outcome: state === 'FAILED' ? 'failed' : 'idle', records: 0 } as const;
  };
  const snapshot = await storage.connectors.snapshot(connector);
  if (snapshot === null) return over('CANCELLED', 'There is no such connector any more');
  if (replay.lostRuns >= maxLostRuns)
    return over('FAILED', `${replay.lostRuns} runs in a row ended without a word: look into the log of the task function, then begin another replay`);
  if (snapshot.spec.targetState === 'STOPPED') return over('FAILED', 'The connector was stopped: resume it, then begin another replay');
  if (snapshot.tasks.length === 0) {
    await storage.replays.release(replay, { dueAt: clock.now() + retryMs, error: 'The connector has no tasks yet' });
    return { outcome: 'stopped', records: 0 };
  }
  const letters = await ConnectorLetters.open(ports, snapshot.spec);
  const pipeline = pipelineOf(ports, snapshot, deadlineAt);
  const work: ReplayWork = { ports, replay, request: replay.request as unknown as ReplayRequest, letters, kind: snapshot.spec.type, pipeline, signal };
  let progress: ReplayProgress;
  try {
    progress = work.request.queue === 'topic' ? await replayTopic(work) : await replayQueue(work);
  } catch (error) {
    throw letters.secrets.hideIn(error);
  } finally {
    await pipeline.close();
  }
  const { counts, next } = progress;
  const records = counts.replayed - replay.counts.replayed;
  logger.info(`Replay ${id} of connector ${connector}`, { connector, replay: id, ...counts, over: next === 'over' });
  if (next === 'over') {
    await storage.replays.release(replay, { state: 'COMPLETED', error: null, trace: null });
    return { outcome: 'idle', records };
  }
  await storage.replays.release(replay, { dueAt: clock.now() + next.delayMs, error: next.why });
  if (next.delayMs === 0)
    await invoker.invoke({ kind: 'replay', connector, replay: id }).catch((error: unknown) => {
      logger.warn('The next run could not be started; the controller will', { connector, replay: id, error: String(error) });
    });
  return { outcome: 'more', records };
}

function pipelineOf(ports: RuntimePorts, { spec, tasks }: ConnectorSnapshot, deadlineAt: number): LetterPipeline {
  const [item] = tasks;
  if (item === undefined) throw new Error(`Connector ${spec.name} has no tasks`);
  const options = { ports, config: spec.config, item, deadlineAt };
  return spec.type === 'sink' ? new SinkLetters({ ...options, assigned: tasks.flatMap(({ partitions }) => partitions) }) : new SourceLetters(options);
}
