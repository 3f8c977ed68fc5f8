import { type SinkRecord, type TopicPartition, UnavailableException } from '../../connect/index.ts';
import { partitionKey } from '../../connect/topic-partition.ts';
import type { DatabaseConnection, Dialect } from './dialects/dialect.ts';
import { SqlException } from './errors.ts';
import type { TableId } from './table-id.ts';

/** Next offsets to be read, by `partitionKey`. */
export type NextOffsets = ReadonlyMap<string, bigint>;

interface Claimed {
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
}

/**
 * Offsets of a sink's partitions in its own database, changed in the transactions of their rows
 * (`sluice.exactly.once=true`): both are there, or neither is. Who opens partitions raises their epochs, so that a run of
 * before, which lives on somewhere, cannot write any more.
 */
export class OffsetsInDatabase {
  readonly #dialect: Dialect;
  readonly #table: TableId;
  readonly #connector: string;
  readonly #claimed = new Map<string, Claimed>();

  constructor(dialect: Dialect, table: string, connector: string) {
    this.#dialect = dialect;
    this.#table = dialect.parseTable(table);
    this.#connector = connector;
  }

  /** Takes partitions over, and returns the offsets of those that have one. Creates the table where it is missing. Throws SqlException. */
  async claim(connection: DatabaseConnection, partitions: readonly TopicPartition[]): Promise<NextOffsets> {
    this.#claimed.clear();
    if (partitions.length === 0) return new Map();
    await this.#createIfMissing(connection);
    // In one order, so that two who claim at the same time do not wait for each other.
    const sorted = [...partitions].sort((one, other) => (one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1));
    const values = sorted.map(({ topic, partition }) => `(${this.#text(this.#connector)}, ${this.#text(topic)}, ${partition}, NULL, 1)`);
    const rows = await connection.query(
      `INSERT INTO ${this.#name} (connector, kafka_topic, kafka_partition, kafka_offset, epoch) VALUES ${values.join(', ')} ` +
        `ON CONFLICT (connector, kafka_topic, kafka_partition) DO UPDATE SET epoch = ${this.#name}.epoch + 1 ` +
        'RETURNING kafka_topic, kafka_partition, CAST(kafka_offset AS TEXT) AS kafka_offset, CAST(epoch AS TEXT) AS epoch',
    );
    const offsets = new Map<string, bigint>();
    for (const { kafka_topic: topic, kafka_partition: partition, kafka_offset: offset, epoch } of rows) {
      const key = partitionKey(String(topic), Number(partition));
      this.#claimed.set(key, { topic: String(topic), partition: Number(partition), epoch: String(epoch) });
      if (offset !== null) offsets.set(key, BigInt(String(offset)));
    }
    return offsets;
  }

  /**
   * Moves offsets on, within the transaction that is open. False when they are there already, because what an earlier
   * attempt wrote was committed although its answer was lost: then nothing is to be written. Throws UnavailableException
   * when another run has taken a partition over.
   */
  async advance(connection: DatabaseConnection, offsets: NextOffsets): Promise<boolean> {
    const values = [...offsets].map(([key, offset]) => {
      const { topic, partition, epoch } = this.#claim(key);
      return `(${this.#text(topic)}, ${partition}, ${offset}, ${epoch})`;
    });
    const moved = await connection.query(
      `WITH given(topic, part, next_offset, epoch) AS (VALUES ${values.join(', ')}) UPDATE ${this.#name} SET kafka_offset = given.next_offset FROM given ` +
        `WHERE ${this.#name}.connector = ${this.#text(this.#connector)} AND ${this.#name}.kafka_topic = given.topic AND ${this.#name}.kafka_partition = given.part ` +
        `AND ${this.#name}.epoch = given.epoch AND COALESCE(${this.#name}.kafka_offset, -1) < given.next_offset RETURNING ${this.#name}.kafka_partition`,
    );
    if (moved.length === offsets.size) return true;
    const rows = await connection.query(
      `SELECT kafka_topic, kafka_partition, CAST(kafka_offset AS TEXT) AS kafka_offset, CAST(epoch AS TEXT) AS epoch FROM ${this.#name} WHERE connector = ${this.#text(this.#connector)}`,
    );
    const stored = new Map(rows.map((row) => [partitionKey(String(row['kafka_topic']), Number(row['kafka_partition'])), row]));
    for (const [key, offset] of offsets) {
      const row = stored.get(key);
      const mine = row !== undefined && String(row['epoch']) === this.#claim(key).epoch;
      if (!mine || (moved.length === 0 && BigInt(String(row['kafka_offset'] ?? -1)) < offset))
        throw new UnavailableException(
          `Another run has taken over ${key} in the table ${this.#name}. When it happens again and again, another connector writes to this database under the name '${this.#connector}'`,
        );
    }
    return false;
  }

  #claim(key: string): Claimed {
    const claimed = this.#claimed.get(key);
    if (claimed === undefined) throw new UnavailableException(`The partition ${key} was not opened`);
    return claimed;
  }

  async #createIfMissing(connection: DatabaseConnection): Promise<void> {
    if ((await connection.describe(this.#table)) !== null) return;
    try {
      await connection.execute(
        `CREATE TABLE IF NOT EXISTS ${this.#name} (connector VARCHAR(255) NOT NULL, kafka_topic VARCHAR(255) NOT NULL, kafka_partition INTEGER NOT NULL, ` +
          'kafka_offset BIGINT, epoch BIGINT NOT NULL, PRIMARY KEY (connector, kafka_topic, kafka_partition))',
      );
    } catch (error) {
      // Another task may have created it at this moment.
      if (!(error instanceof SqlException) || (await connection.describe(this.#table)) === null) throw error;
    }
  }

  get #name(): string {
    return this.#dialect.tableName(this.#table);
  }

  #text(value: string): string {
    return this.#dialect.text(value);
  }
}

/** Where reading goes on after these records, by their places in Kafka. */
export function offsetsAfter(records: readonly SinkRecord[]): Map<string, bigint> {
  const next = new Map<string, bigint>();
  let topic = '';
  let partition = -1;
  let key = '';
  for (const { originalTopic, originalKafkaPartition, kafkaOffset } of records) {
    if (originalTopic !== topic || originalKafkaPartition !== partition) {
      [topic, partition] = [originalTopic, originalKafkaPartition];
      key = partitionKey(topic, partition);
    }
    next.set(key, kafkaOffset + 1n);
  }
  return next;
}
