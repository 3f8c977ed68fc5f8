import { delimiter, join } from 'node:path';
import { type Progress, provideArtifacts } from '../artifacts.ts';
import { findJava } from './java.ts';

export interface KafkaTools {
  readonly java: string;
  /** For `-cp`: the broker's jars and those of the command line tools. */
  readonly classPath: string;
}

/** Kafka's own command line tools (`org.apache.kafka.tools.*`, `kafka.tools.*`), downloaded now if need be. */
export async function provideKafkaTools(progress: Progress): Promise<KafkaTools> {
  const [java, jars, tools] = await Promise.all([findJava(), provideArtifacts('kafka', progress), provideArtifacts('kafka-tools', progress)]);
  return { java, classPath: [tools, jars].map((folder) => join(folder, '*')).join(delimiter) };
}
