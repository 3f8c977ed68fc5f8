import { expect, test } from 'vitest';
import { worthTelling } from '../../infra/local/worker-keys.ts';

const sample = {
  'bootstrap.servers': 'localhost:9092',
  'group.id': 'connect-cluster',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'true',
  'value.converter.schemas.enable': 'true',
  'offset.flush.interval.ms': '10000',
  'plugin.path': '/usr/share/java',
};

test('what works here, and what only workers among themselves need, is not worth a word', () => {
  const more = {
    ...sample,
    listeners: 'http://127.0.0.1:8083',
    'rest.advertised.host.name': 'here',
    'offset.storage.replication.factor': '1',
    'session.timeout.ms': '1',
    'producer.compression.type': 'zstd',
    'admin.request.timeout.ms': '1',
    'ssl.truststore.location': '/x',
    'config.providers': 'file',
    'config.providers.file.class': 'X',
    'connector.client.config.override.policy': 'All',
    'sluice.secrets.required': 'true',
    'inter.worker.key.size': '1',
  };
  expect(worthTelling(more)).toEqual([]);
});

test('keys of the sample file that do nothing here are told with why', () => {
  const topics = { 'offset.storage.topic': 'o', 'config.storage.topic': 'c', 'status.storage.topic': 's' };
  expect(worthTelling({ ...sample, ...topics })).toEqual([
    'offset.storage.topic, config.storage.topic, status.storage.topic of the worker file do nothing here: connectors, offsets and states are kept in the table, and what is there already is not read',
  ]);
  expect(worthTelling({ 'metric.reporters': 'x.Y' })).toEqual([expect.stringMatching(/^metric\.reporters of the worker file does nothing here: .*\/metrics/)]);
  expect(worthTelling({ 'admin.listeners.https.ssl.keystore.location': '/x' })).toEqual([expect.stringMatching(/no TLS/)]);
});

test('keys that nobody knows are told with what may have been meant', () => {
  expect(worthTelling({ 'offset.flush.intervall.ms': '1', 'max.poll.records': '1' })).toEqual([
    'offset.flush.intervall.ms of the worker file is no key of a worker and does nothing; did you mean offset.flush.interval.ms?',
    'max.poll.records of the worker file is no key of a worker and does nothing',
  ]);
});
