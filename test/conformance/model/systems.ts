import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Progress, provideArtifacts } from '../../../infra/local/artifacts.ts';
import { freePorts } from '../../../infra/local/ports.ts';
import { findJava } from '../../../infra/local/services/java.ts';
import { startKafka } from '../../../infra/local/services/kafka.ts';
import { removeFolder } from '../../../infra/local/services/service-process.ts';
import { startLocalSluice } from '../../chaos/local-sluice.ts';
import { startReferenceWorker } from '../reference/worker.ts';

/** Where both systems are. */
export interface Systems {
  readonly reference: string;
  readonly sluice: string;
  /** Ends those that were started. */
  stop(): Promise<void>;
}

/** Starts the systems whose URL is not given, each with a broker of its own: they use the same names of topics and groups. */
export async function startSystems(given: { readonly reference?: string; readonly sluice?: string }, progress: Progress): Promise<Systems> {
  const [reference, sluice] = await Promise.allSettled([
    given.reference === undefined ? startReferenceWorker(progress) : running(given.reference),
    given.sluice === undefined ? startSluice(progress) : running(given.sluice),
  ]);
  const started = [reference, sluice].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async () => {
    await Promise.all(started.map((each) => each.stop()));
  };
  if (reference.status === 'fulfilled' && sluice.status === 'fulfilled') return { reference: reference.value.url, sluice: sluice.value.url, stop };
  await stop();
  throw reference.status === 'rejected' ? reference.reason : (sluice as PromiseRejectedResult).reason;
}

const running = async (url: string) => ({ url, stop: async () => {} });

async function startSluice(progress: Progress): Promise<{ url: string; stop(): Promise<void> }> {
  const [java, jars] = [await findJava(), await provideArtifacts('kafka', progress)];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-model-'));
  const ports = await freePorts(['kafka', 'kafkaController'] as const);
  progress('Starting Sluice');
  const kafka = await startKafka({ java, jars, dataDir: join(folder, 'kafka'), logFile: join(folder, 'kafka.log'), ports });
  const end = async () => {
    await kafka.stop();
    await removeFolder(folder);
  };
  try {
    const sluice = await startLocalSluice(`127.0.0.1:${ports.kafka}`);
    return { url: sluice.url, stop: () => sluice.stop().finally(end) };
  } catch (error) {
    await end();
    throw error;
  }
}
