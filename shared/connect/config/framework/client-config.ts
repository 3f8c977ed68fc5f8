import { ConfigDef, type ConfigKey, type Importance } from '../config-def.ts';
import { type ConfigType, parseType } from '../parse-type.ts';

/** Which client of Kafka a connector's `….override.` keys are for. */
export type ClientType = 'producer' | 'consumer' | 'admin';

const letters: Readonly<Record<ClientType, string>> = { producer: 'P', consumer: 'C', admin: 'A' };

/**
 * The keys of Kafka's clients, version 4.3.1, a line each: clients (Producer, Consumer, Admin), name, type, importance,
 * default (`=text`, `null`, or `required`).
 */
const table = `
P acks STRING LOW =all
C allow.auto.create.topics BOOLEAN MEDIUM =true
C auto.commit.interval.ms INT LOW =5000
C auto.offset.reset STRING MEDIUM =latest
P batch.size INT MEDIUM =16384
A bootstrap.controllers LIST HIGH =
A bootstrap.servers LIST HIGH =
PC bootstrap.servers LIST HIGH required
P buffer.memory LONG HIGH =33554432
C check.crcs BOOLEAN LOW =true
PCA client.dns.lookup STRING MEDIUM =use_all_dns_ips
PA client.id STRING MEDIUM =
C client.id STRING LOW =
C client.rack STRING LOW =
P compression.gzip.level INT MEDIUM =-1
P compression.lz4.level INT MEDIUM =9
P compression.type STRING HIGH =none
P compression.zstd.level INT MEDIUM =3
PCA config.providers LIST LOW =
A connections.max.idle.ms LONG MEDIUM =300000
PC connections.max.idle.ms LONG MEDIUM =540000
CA default.api.timeout.ms INT MEDIUM =60000
P delivery.timeout.ms INT MEDIUM =120000
C enable.auto.commit BOOLEAN MEDIUM =true
P enable.idempotence BOOLEAN LOW =true
A enable.metrics.push BOOLEAN LOW =false
PC enable.metrics.push BOOLEAN LOW =true
C exclude.internal.topics BOOLEAN MEDIUM =true
C fetch.max.bytes INT MEDIUM =52428800
C fetch.max.wait.ms INT LOW =500
C fetch.min.bytes INT HIGH =1
C group.id STRING HIGH null
C group.instance.id STRING MEDIUM null
C group.protocol STRING HIGH =classic
C group.remote.assignor STRING MEDIUM null
C heartbeat.interval.ms INT HIGH =3000
PC interceptor.classes LIST LOW =
C internal.throw.on.fetch.stable.offset.unsupported BOOLEAN LOW =false
C isolation.level STRING MEDIUM =read_uncommitted
C key.deserializer CLASS HIGH required
P key.serializer CLASS HIGH required
P linger.ms LONG MEDIUM =5
P max.block.ms LONG MEDIUM =60000
P max.in.flight.requests.per.connection INT LOW =5
C max.partition.fetch.bytes INT HIGH =1048576
C max.poll.interval.ms INT MEDIUM =300000
C max.poll.records INT MEDIUM =500
P max.request.size INT MEDIUM =1048576
PCA metadata.max.age.ms LONG LOW =300000
P metadata.max.idle.ms LONG LOW =300000
PCA metadata.recovery.rebootstrap.trigger.ms LONG LOW =300000
PCA metadata.recovery.strategy STRING LOW =rebootstrap
PCA metric.reporters LIST LOW =org.apache.kafka.common.metrics.JmxReporter
PCA metrics.num.samples INT LOW =2
PCA metrics.recording.level STRING LOW =INFO
PCA metrics.sample.window.ms LONG LOW =30000
C partition.assignment.strategy LIST MEDIUM =class org.apache.kafka.clients.consumer.RangeAssignor,class org.apache.kafka.clients.consumer.CooperativeStickyAssignor
P partitioner.adaptive.partitioning.enable BOOLEAN LOW =true
P partitioner.availability.timeout.ms LONG LOW =0
P partitioner.class CLASS MEDIUM null
P partitioner.ignore.keys BOOLEAN MEDIUM =false
CA receive.buffer.bytes INT MEDIUM =65536
P receive.buffer.bytes INT MEDIUM =32768
PCA reconnect.backoff.max.ms LONG LOW =1000
PCA reconnect.backoff.ms LONG LOW =50
PCA request.timeout.ms INT MEDIUM =30000
A retries INT LOW =2147483647
P retries INT HIGH =2147483647
PCA retry.backoff.max.ms LONG LOW =1000
PCA retry.backoff.ms LONG LOW =100
PCA sasl.client.callback.handler.class CLASS MEDIUM null
PCA sasl.jaas.config PASSWORD MEDIUM null
PCA sasl.kerberos.kinit.cmd STRING LOW =/usr/bin/kinit
PCA sasl.kerberos.min.time.before.relogin LONG LOW =60000
PCA sasl.kerberos.service.name STRING MEDIUM null
PCA sasl.kerberos.ticket.renew.jitter DOUBLE LOW =0.05
PCA sasl.kerberos.ticket.renew.window.factor DOUBLE LOW =0.8
PCA sasl.login.callback.handler.class CLASS MEDIUM null
PCA sasl.login.class CLASS MEDIUM null
PCA sasl.login.connect.timeout.ms INT LOW null
PCA sasl.login.read.timeout.ms INT LOW null
PCA sasl.login.refresh.buffer.seconds SHORT LOW =300
PCA sasl.login.refresh.min.period.seconds SHORT LOW =60
PCA sasl.login.refresh.window.factor DOUBLE LOW =0.8
PCA sasl.login.refresh.window.jitter DOUBLE LOW =0.05
PCA sasl.login.retry.backoff.max.ms LONG LOW =10000
PCA sasl.login.retry.backoff.ms LONG LOW =100
PCA sasl.mechanism STRING MEDIUM =GSSAPI
PCA sasl.oauthbearer.assertion.algorithm STRING MEDIUM =RS256
PCA sasl.oauthbearer.assertion.claim.aud STRING MEDIUM null
PCA sasl.oauthbearer.assertion.claim.exp.seconds INT LOW =300
PCA sasl.oauthbearer.assertion.claim.iss STRING MEDIUM null
PCA sasl.oauthbearer.assertion.claim.jti.include BOOLEAN MEDIUM =false
PCA sasl.oauthbearer.assertion.claim.nbf.seconds INT LOW =60
PCA sasl.oauthbearer.assertion.claim.sub STRING MEDIUM null
PCA sasl.oauthbearer.assertion.file STRING MEDIUM null
PCA sasl.oauthbearer.assertion.private.key.file STRING MEDIUM null
PCA sasl.oauthbearer.assertion.private.key.passphrase PASSWORD MEDIUM null
PCA sasl.oauthbearer.assertion.template.file STRING MEDIUM null
PCA sasl.oauthbearer.client.credentials.client.id STRING MEDIUM null
PCA sasl.oauthbearer.client.credentials.client.secret PASSWORD MEDIUM null
PCA sasl.oauthbearer.clock.skew.seconds INT LOW =30
PCA sasl.oauthbearer.expected.audience LIST HIGH =
PCA sasl.oauthbearer.expected.issuer STRING HIGH null
PCA sasl.oauthbearer.header.urlencode BOOLEAN LOW =false
PCA sasl.oauthbearer.jwks.endpoint.refresh.ms LONG LOW =3600000
PCA sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms LONG LOW =10000
PCA sasl.oauthbearer.jwks.endpoint.retry.backoff.ms LONG LOW =100
PCA sasl.oauthbearer.jwks.endpoint.url STRING MEDIUM null
PCA sasl.oauthbearer.jwt.retriever.class CLASS MEDIUM =org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever
PCA sasl.oauthbearer.jwt.validator.class CLASS MEDIUM =org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator
PCA sasl.oauthbearer.scope STRING MEDIUM null
PCA sasl.oauthbearer.scope.claim.name STRING LOW =scope
PCA sasl.oauthbearer.sub.claim.name STRING LOW =sub
PCA sasl.oauthbearer.token.endpoint.url STRING MEDIUM null
PCA security.protocol STRING MEDIUM =PLAINTEXT
PCA security.providers STRING LOW null
PCA send.buffer.bytes INT MEDIUM =131072
C session.timeout.ms INT HIGH =45000
C share.acknowledgement.mode STRING MEDIUM =implicit
C share.acquire.mode STRING MEDIUM =BATCH_OPTIMIZED
PCA socket.connection.setup.timeout.max.ms LONG MEDIUM =30000
PCA socket.connection.setup.timeout.ms LONG MEDIUM =10000
PCA ssl.cipher.suites LIST LOW =
PCA ssl.enabled.protocols LIST MEDIUM =TLSv1.2,TLSv1.3
PCA ssl.endpoint.identification.algorithm STRING LOW =https
PCA ssl.engine.factory.class CLASS LOW null
PCA ssl.key.password PASSWORD HIGH null
PCA ssl.keymanager.algorithm STRING LOW =SunX509
PCA ssl.keystore.certificate.chain PASSWORD HIGH null
PCA ssl.keystore.key PASSWORD HIGH null
PCA ssl.keystore.location STRING HIGH null
PCA ssl.keystore.password PASSWORD HIGH null
PCA ssl.keystore.type STRING MEDIUM =JKS
PCA ssl.protocol STRING MEDIUM =TLSv1.3
PCA ssl.provider STRING MEDIUM null
PCA ssl.secure.random.implementation STRING LOW null
PCA ssl.trustmanager.algorithm STRING LOW =PKIX
PCA ssl.truststore.certificates PASSWORD HIGH null
PCA ssl.truststore.location STRING HIGH null
PCA ssl.truststore.password PASSWORD HIGH null
PCA ssl.truststore.type STRING MEDIUM =JKS
P transaction.timeout.ms INT LOW =60000
P transaction.two.phase.commit.enable BOOLEAN LOW =false
P transactional.id STRING LOW null
C value.deserializer CLASS HIGH required
P value.serializer CLASS HIGH required
`;

const definitions = new Map<ClientType, ConfigDef>();

/** The definition of a client's config, to read the values that a connector overrides and to tell of them. */
export function clientConfig(client: ClientType): ConfigDef {
  const known = definitions.get(client) ?? read(client);
  definitions.set(client, known);
  return known;
}

function read(client: ClientType): ConfigDef {
  const keys: Record<string, ConfigKey> = {};
  for (const line of table.trim().split('\n')) {
    const [, clients = '', name = '', type, importance, text = ''] = /^(\S+) (\S+) (\S+) (\S+) (.*)$/.exec(line) ?? [];
    if (!clients.includes(letters[client])) continue;
    const required = text === 'required';
    keys[name] = {
      type: type as ConfigType,
      importance: importance as Importance,
      required,
      doc: `The key \`${name}\` of Kafka's ${client} client.`,
      ...(!required && { default: text === 'null' ? null : parseType(name, text.slice(1), type as ConfigType) }),
    };
  }
  return new ConfigDef(keys);
}
