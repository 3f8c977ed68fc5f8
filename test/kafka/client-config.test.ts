import { describe, expect, it } from 'vitest';
import { connectionSettingsOf, producerOptionsOf, readerOptionsOf } from '../../shared/kafka/client-config.ts';

const servers = { 'bootstrap.servers': 'one:9092, two:9093' };

describe('client configuration', () => {
  it('reads servers, and has plaintext and Kafka’s time limits as defaults', () => {
    expect(connectionSettingsOf(servers)).toMatchObject({ brokers: ['one:9092', 'two:9093'], requestTimeoutMs: 30_000 });
  });

  it.each([
    [{}, 'Missing required configuration "bootstrap.servers"'],
    [{ 'bootstrap.servers': 'no-port' }, 'Invalid url in bootstrap.servers: no-port'],
    [{ ...servers, 'request.timeout.ms': 'soon' }, 'Invalid value soon for configuration request.timeout.ms: Not a number of type INT'],
  ])('refuses %j naming the key', (config, message) => {
    expect(() => connectionSettingsOf(config)).toThrow(message);
  });

  it('maps consumer and producer keys, and leaves out what is not said', () => {
    expect(readerOptionsOf({ 'max.poll.records': '7', 'isolation.level': 'read_committed', 'group.id': 'x' })).toEqual({
      maxPollRecords: 7,
      isolationLevel: 'read_committed',
    });
    expect(producerOptionsOf({ 'compression.type': 'zstd', 'linger.ms': '5', acks: 'all' })).toEqual({ compression: 'zstd', lingerMs: 5 });
    expect(() => producerOptionsOf({ acks: '1' })).toThrow(
      'Invalid value 1 for configuration acks: Records are only acknowledged by all in-sync replicas here',
    );
    expect(() => producerOptionsOf({ acks: 'few' })).toThrow('Invalid value few for configuration acks: String must be one of: all, -1, 0, 1');
    expect(() => readerOptionsOf({ 'auto.offset.reset': 'newest' })).toThrow('Invalid value newest for configuration auto.offset.reset');
  });
});
