import { ConnectException, defineSourceConnector, type SourceOffset, type SourcePartition } from '../../connect/index.ts';
import { fileStreamSourceConfig } from './source.config.ts';

/**
 * Reads a text file line by line, and waits for more: Kafka's FileStreamSource.
 * `{"connector.class": "FileStreamSource", "file": "/var/log/orders.txt", "topic": "orders"}`
 */
export const fileStreamSource = defineSourceConnector({
  className: 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  version: '4.3.1',
  overview: 'Reads a text file line by line and goes on as lines are added.',
  delivery: 'at-least-once; exactly-once when exactly.once.support=required',
  guarantees: 'At least once, in order: after a failure lines after the last stored position come again.',
  config: fileStreamSourceConfig,
  // One file, one task, whatever tasks.max says.
  taskConfigs: ({ rawConfig }) => [rawConfig],
  // A file that only grows; standard input cannot be read again.
  exactlyOnceSupport: (config) => (fileStreamSourceConfig.parse(config).file ? 'SUPPORTED' : 'UNSUPPORTED'),
  alterOffsets(config, offsets) {
    if (!config['file'])
      throw new ConnectException(
        "Offsets cannot be modified if the 'file' configuration is unspecified. This is because stdin is used for input and offsets are not tracked.",
      );
    for (const { partition, offset } of offsets) checkOffset(partition, offset);
    return true;
  },
  async createTask(config, context) {
    const { FileStreamSourceTask } = await import('./source-task.ts');
    return new FileStreamSourceTask(config.file, config.topic, config['batch.size'], context);
  },
});

function checkOffset(partition: SourcePartition, offset: SourceOffset | null): void {
  // Whatever stands there may be removed.
  if (offset === null) return;
  if (!('position' in offset)) throw new ConnectException("Offset objects should either be null or contain the key 'position'");
  const { position } = offset;
  if (typeof position !== 'bigint' && !Number.isSafeInteger(position))
    throw new ConnectException("The value for the 'position' key in the offset is expected to be a Long value");
  if ((position as number | bigint) < 0) throw new ConnectException("The value for the 'position' key in the offset should be a non-negative value");
  if (!('filename' in partition)) throw new ConnectException("Partition objects should contain the key 'filename'");
}
