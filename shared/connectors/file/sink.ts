import { defineSinkConnector, replicate } from '../../connect/index.ts';
import { fileStreamSinkConfig } from './sink.config.ts';

/**
 * Appends each record's value to a file, a line each: Kafka's FileStreamSink.
 * `{"connector.class": "FileStreamSink", "file": "/tmp/orders.txt", "topics": "orders"}`
 */
export const fileStreamSink = defineSinkConnector({
  className: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  version: '4.3.1',
  overview: 'Appends the value of each record to a text file, a line each.',
  delivery: 'at-least-once',
  guarantees: 'At least once, in order for each partition: after a failure lines may be repeated.',
  config: fileStreamSinkConfig,
  taskConfigs: (context) => replicate(context),
  // Offsets are the framework's alone; there is nothing of its own to change.
  alterOffsets: () => true,
  async createTask(config) {
    const { FileStreamSinkTask } = await import('./sink-task.ts');
    return new FileStreamSinkTask(config.file);
  },
});
