import { expect, it } from 'vitest';
import { clientOverrides } from '../../shared/runtime/client-overrides.ts';

const worker = {
  'bootstrap.servers': 'a:1',
  'producer.compression.type': 'lz4',
  'producer.linger.ms': '5',
  'consumer.sasl.mechanism': 'PLAIN',
};
const config = { 'producer.override.compression.type': 'zstd', 'consumer.override.max.poll.records': '7', 'producer.acks': 'x' };

it('takes keys of a client from the worker, and those of the connector before them', () => {
  expect(clientOverrides('producer', worker, config)).toEqual({ 'compression.type': 'zstd', 'linger.ms': '5' });
  expect(clientOverrides('consumer', worker, config)).toEqual({
    'sasl.mechanism': 'PLAIN',
    'max.poll.records': '7',
  });
  expect(clientOverrides('admin', worker, config)).toEqual({});
});
