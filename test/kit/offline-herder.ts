import type { Logger } from '../../shared/connect/logger.ts';
import { Herder } from '../../shared/herder/herder.ts';
import { createKafkaClients } from '../../shared/kafka/kafka-clients.ts';
import { plugins } from '../../shared/plugins.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';
import { ManualClock } from './storage.ts';

/** A herder with all plugins over a table in memory, for what asks no Kafka. */
export function offlineHerder(logger: Logger): Herder {
  const clock = new ManualClock();
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  return new Herder({
    storage: createMemoryStorage(clock),
    kafka: createKafkaClients({ 'bootstrap.servers': 'nowhere:1' }, logger),
    plugins,
    worker: { 'bootstrap.servers': 'nowhere:1', 'key.converter': text, 'value.converter': text },
    clock,
    logger,
    workerId: 'api-1',
  });
}
