/** The framework's part of connector configs: definitions as Kafka Connect has them. */
export * from './client-config.ts';
export * from './connector-config.ts';
export * from './enrich.ts';
export * from './sink-connector-config.ts';
export * from './source-connector-config.ts';
export * from './topic-creation-config.ts';
