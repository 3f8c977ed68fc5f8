/** Where the real servers of the integration tests are. Each test makes its own topics, tables and schemas in them. */

/** `host:port` of a real Kafka. */
export function kafkaBrokers(): string {
  return required('KAFKA_BROKERS');
}

/** URL of a real DynamoDB Local; any region and credentials will do. */
export function dynamodbEndpoint(): string {
  return required('DYNAMODB_ENDPOINT');
}

/** Of a PostgreSQL database whose user may create schemas; null where PostgreSQL is not installed. */
export function databaseUrl(): string | null {
  return process.env.DATABASE_URL || null;
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this test through vitest and its config, which start the server`);
  return value;
}
