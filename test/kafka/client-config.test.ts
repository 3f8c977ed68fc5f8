import { describe, expect, it } from 'vitest';
import { connectionSettingsOf, producerOptionsOf, readerOptionsOf } from '../../shared/kafka/client-config.ts';

const servers = { 'bootstrap.servers': 'one:9092, two:9093' };

describe('client configuration', () => {
  it('reads servers, and has plaintext and Kafka’s time limits as defaults', () => {
    expect(connectionSettingsOf(servers)).toMatchObject({ brokers: ['one:9092', 'two:9093'], ssl: null, sasl: null, requestTimeoutMs: 30_000 });
  });

  it.each([
    [{}, 'Missing required configuration "bootstrap.servers"'],
    [{ 'bootstrap.servers': 'no-port' }, 'Invalid url in bootstrap.servers: no-port'],
    [{ ...servers, 'security.protocol': 'TLS' }, 'Invalid value TLS for configuration security.protocol'],
    [{ ...servers, 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' }, 'sasl.jaas.config'],
    [{ ...servers, 'security.protocol': 'SASL_PLAINTEXT' }, 'Invalid value GSSAPI for configuration sasl.mechanism'],
    [{ ...servers, 'security.protocol': 'SSL', 'ssl.truststore.location': '/a.jks' }, 'ssl.truststore.certificates'],
    [{ ...servers, 'request.timeout.ms': 'soon' }, 'Invalid value soon for configuration request.timeout.ms: Not a number of type INT'],
  ])('refuses %j naming the key', (config, message) => {
    expect(() => connectionSettingsOf(config)).toThrow(message);
  });

  it('takes name and password out of a login module, and says nothing of them when it cannot', () => {
    const secured = { ...servers, 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'SCRAM-SHA-512' };
    const jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ali\\"ce" password="se=cret;";';
    expect(connectionSettingsOf({ ...secured, 'sasl.jaas.config': jaas }).sasl).toEqual({
      mechanism: 'scram-sha-512',
      username: 'ali"ce',
      password: 'se=cret;',
    });
    try {
      connectionSettingsOf({ ...secured, 'sasl.jaas.config': 'Module required user="a" password="hunter2";' });
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).toContain('username=');
      expect((error as Error).message).not.toContain('hunter2');
    }
  });

  it('restores the lines of PEM text that a properties file cannot hold', () => {
    const pem = `-----BEGIN CERTIFICATE----- ${'QUJD'.repeat(30)} -----END CERTIFICATE-----`;
    const { ssl } = connectionSettingsOf({ ...servers, 'security.protocol': 'SSL', 'ssl.truststore.certificates': pem });
    expect(ssl?.ca).toMatch(/^-----BEGIN CERTIFICATE-----\n[A-Z]{64}\n[A-Z]{56}\n-----END CERTIFICATE-----/i);
  });

  it('maps consumer and producer keys, and leaves out what is not said', () => {
    expect(readerOptionsOf({ 'max.poll.records': '7', 'isolation.level': 'read_committed', 'group.id': 'x' })).toEqual({
      maxPollRecords: 7,
      isolationLevel: 'read_committed',
    });
    expect(producerOptionsOf({ 'compression.type': 'zstd', 'linger.ms': '5', acks: 'all' })).toEqual({ compression: 'zstd', lingerMs: 5 });
    expect(() => producerOptionsOf({ acks: '1' })).toThrow('Invalid value 1 for configuration acks');
    expect(() => readerOptionsOf({ 'auto.offset.reset': 'newest' })).toThrow('Invalid value newest for configuration auto.offset.reset');
  });
});
