import { between, boolean, int, list, password, short, string } from '../../../connect/index.ts';
import { CONVERTER_TYPE } from '../../converter-keys.ts';

/** Confluent Platform's version that these converters equal; it is the one that goes with Kafka 4.3. */
export const CONFLUENT_VERSION = '8.3.0';

const medium = { importance: 'MEDIUM' } as const;
const low = { importance: 'LOW' } as const;

/** How the registry is reached and who asks. Each may also be written with `schema.registry.` before it. */
const clientKeys = {
  'schema.registry.url': list({
    importance: 'HIGH',
    doc: 'Addresses of the Schema Registry, separated by commas: when one cannot be reached, the next is asked.',
  }),
  'schema.registry.url.randomize': boolean({ default: false, ...low, doc: 'Whether to begin with any of the addresses instead of the first.' }),
  'basic.auth.credentials.source': string({
    default: 'URL',
    ...medium,
    doc: 'Where user and password for basic authentication come from: `URL` (within schema.registry.url), `USER_INFO` (basic.auth.user.info), `SASL_INHERIT` (sasl.jaas.config).',
  }),
  'basic.auth.user.info': password({ default: null, ...medium, doc: '`user:password`, with `basic.auth.credentials.source=USER_INFO`.' }),
  'schema.registry.basic.auth.user.info': password({ default: null, ...medium, doc: 'The older name of `basic.auth.user.info`.' }),
  'sasl.jaas.config': password({ default: null, ...medium, doc: 'The login module whose user and password `SASL_INHERIT` takes.' }),
  'bearer.auth.credentials.source': string({
    default: 'STATIC_TOKEN',
    ...medium,
    doc: 'Where the bearer token comes from: `STATIC_TOKEN` (bearer.auth.token), `OAUTHBEARER` (an identity provider, by client credentials).',
  }),
  'bearer.auth.token': password({ default: null, ...medium, doc: 'The bearer token, with `STATIC_TOKEN`.' }),
  'bearer.auth.issuer.endpoint.url': string({ default: null, ...medium, doc: 'The token endpoint of the identity provider, with `OAUTHBEARER`.' }),
  'bearer.auth.client.id': string({ default: null, ...medium, doc: 'The client id there.' }),
  'bearer.auth.client.secret': password({ default: null, ...medium, doc: 'The client secret there.' }),
  'bearer.auth.scope': string({ default: null, ...medium, doc: 'The scope to ask for.' }),
  'bearer.auth.logical.cluster': string({ default: null, ...medium, doc: 'Sent to the registry as `target-sr-cluster`.' }),
  'bearer.auth.identity.pool.id': string({ default: null, ...medium, doc: 'Sent to the registry as `Confluent-Identity-Pool-Id`.' }),
  'bearer.auth.cache.expiry.buffer.seconds': short({
    default: 300,
    validator: between(0, 3600),
    ...low,
    doc: 'How many seconds before it expires a token is fetched again.',
  }),
  'http.connect.timeout.ms': int({ default: 60_000, ...low, doc: 'How long to wait for a connection to the registry, in milliseconds.' }),
  'http.read.timeout.ms': int({ default: 60_000, ...low, doc: 'How long to wait for an answer of the registry, in milliseconds.' }),
  'max.retries': int({ default: 3, ...low, doc: 'How often a request that the registry could not serve for now is sent again.' }),
  'retries.wait.ms': int({ default: 1_000, ...low, doc: 'The longest pause before the first retry, in milliseconds. It doubles with each.' }),
  'retries.max.wait.ms': int({ default: 20_000, ...low, doc: 'The longest pause before any retry, in milliseconds.' }),
};

/** TLS towards the registry: PEM, as text or files, and PKCS12 for the client's own key. */
const tlsKeys = {
  'schema.registry.ssl.truststore.type': string({ default: null, ...medium, doc: '`PEM`.' }),
  'schema.registry.ssl.truststore.location': string({ default: null, importance: 'HIGH', doc: 'A PEM file with the certificates to trust.' }),
  'schema.registry.ssl.truststore.certificates': password({ default: null, importance: 'HIGH', doc: 'The certificates to trust, as PEM text.' }),
  'schema.registry.ssl.keystore.type': string({ default: null, ...medium, doc: '`PEM` or `PKCS12`.' }),
  'schema.registry.ssl.keystore.location': string({ default: null, importance: 'HIGH', doc: 'A file with the client’s certificate and key.' }),
  'schema.registry.ssl.keystore.password': password({ default: null, importance: 'HIGH', doc: 'Opens a PKCS12 key store.' }),
  'schema.registry.ssl.keystore.certificate.chain': password({ default: null, importance: 'HIGH', doc: 'The client’s certificate, as PEM text.' }),
  'schema.registry.ssl.keystore.key': password({ default: null, importance: 'HIGH', doc: 'The client’s private key, as PEM text.' }),
  'schema.registry.ssl.key.password': password({ default: null, importance: 'HIGH', doc: 'Opens an encrypted private key.' }),
  'schema.registry.ssl.endpoint.identification.algorithm': string({
    default: 'https',
    ...low,
    doc: 'Empty: the certificate need not name the host of the registry.',
  }),
};

const strategies = 'TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy of io.confluent.kafka.serializers.subject';

/** Which schema a record is written with, and under which subject. */
const schemaKeys = {
  'max.schemas.per.subject': int({ default: 1000, ...low, doc: 'How many schemas are remembered.' }),
  'normalize.schemas': boolean({ default: false, ...medium, doc: 'Whether the registry is to ignore differences in order that mean nothing.' }),
  'auto.register.schemas': boolean({ default: true, ...medium, doc: 'Whether schemas are registered that the registry does not have.' }),
  'use.schema.id': int({ default: -1, ...low, doc: 'The id of the schema to write with, when schemas are not registered. -1: none.' }),
  'id.compatibility.strict': boolean({
    default: true,
    ...low,
    doc: 'Whether the schema of `use.schema.id` must be able to read what a record’s own schema writes.',
  }),
  'use.latest.version': boolean({
    default: false,
    ...low,
    doc: 'Whether records are written with the latest version of the subject when schemas are not registered, and read into it.',
  }),
  'latest.compatibility.strict': boolean({ default: true, ...low, doc: 'Whether the latest version must be able to read what a record’s own schema writes.' }),
  'latest.cache.ttl.sec': int({ default: -1, ...low, doc: 'How long the latest version is remembered, in seconds. -1: as long as the task is warm.' }),
  'key.subject.name.strategy': string({
    default: 'io.confluent.kafka.serializers.subject.TopicNameStrategy',
    ...medium,
    doc: `How the subject of a key’s schema is named: ${strategies}.`,
  }),
  'value.subject.name.strategy': string({
    default: 'io.confluent.kafka.serializers.subject.TopicNameStrategy',
    ...medium,
    doc: `How the subject of a value’s schema is named: ${strategies}.`,
  }),
};

/** Keys that every converter with a Schema Registry has. */
export const registryKeys = { ...CONVERTER_TYPE, ...clientKeys, ...tlsKeys, ...schemaKeys };

/** Keys about the translation that all formats share. */
export const dataKeys = {
  'schemas.cache.config': int({ default: 1000, ...low, doc: 'How many translated schemas are remembered.' }),
  'generalized.sum.type.support': boolean({
    default: false,
    ...medium,
    doc: 'Whether enums and unions are told in a form that all schema formats share.',
  }),
  'ignore.default.for.nullables': boolean({
    default: false,
    ...medium,
    doc: 'Whether a null of an optional field stays null although the field has a default.',
  }),
};
