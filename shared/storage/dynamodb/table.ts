import { ConditionalCheckFailedException, type DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  type PutCommandInput,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../connect/clock.ts';
import { RetriableException } from '../../connect/errors.ts';

/** Names of the key attributes and of the sparse index of what is due; the deployment makes the table with them. */
export const tableSchema = { partitionKey: 'pk', sortKey: 'sk', dueIndex: { name: 'due', partitionKey: 'dueShard', sortKey: 'dueAt' } } as const;

export type Item = Record<string, unknown>;
export type Key = { readonly pk: string; readonly sk: string };
type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Most operations that DynamoDB takes in one transaction. */
export const transactionLimit = 100;
const conflictRetries = 8;

/** Our one table: a thin layer over the document client that turns refused conditions into `false`. */
export class Table {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;
  readonly clock: Clock;
  readonly dueShards: number;
  #wakes = 0;

  constructor(options: { client: DynamoDBClient; tableName: string; clock: Clock; dueShards: number }) {
    this.#client = DynamoDBDocumentClient.from(options.client, {
      marshallOptions: { removeUndefinedValues: true },
      unmarshallOptions: { wrapNumbers: exactNumber },
    });
    this.#name = options.tableName;
    this.clock = options.clock;
    this.dueShards = options.dueShards;
  }

  /** A value that no earlier write had: an item that carries it is shown to the controller. */
  wake(): string {
    return `${this.clock.now()}.${++this.#wakes}.${process.pid}`;
  }

  /** Spreads the due index, so that no partition of it gets hot. */
  shardOf(connector: string): string {
    let hash = 0;
    for (let i = 0; i < connector.length; i++) hash = (Math.imul(hash, 31) + connector.charCodeAt(i)) | 0;
    return `DUE#${(hash >>> 0) % this.dueShards}`;
  }

  async get(key: Key, attributes?: readonly string[]): Promise<Item | null> {
    const projection =
      attributes === undefined
        ? {}
        : {
            ProjectionExpression: attributes.map((_, i) => `#a${i}`).join(', '),
            ExpressionAttributeNames: Object.fromEntries(attributes.map((each, i) => [`#a${i}`, each])),
          };
    const { Item: item } = await this.#client.send(new GetCommand({ TableName: this.#name, Key: key, ConsistentRead: true, ...projection }));
    return item ?? null;
  }

  /** All items of a query, page by page. */
  async query(input: Omit<QueryCommandInput, 'TableName'>): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const page = await this.#client.send(new QueryCommand({ ...input, TableName: this.#name, ExclusiveStartKey }));
      items.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  }

  async put(Item: Item, condition: Omit<PutCommandInput, 'TableName' | 'Item'> = {}): Promise<boolean> {
    return refused(this.#client.send(new PutCommand({ TableName: this.#name, Item, ...condition })));
  }

  /** Applies an update; null when its condition refused it, else the item as it is now. */
  async update(input: Omit<UpdateCommandInput, 'TableName' | 'ReturnValues'>): Promise<Item | null> {
    try {
      const { Attributes } = await this.#client.send(new UpdateCommand({ ...input, TableName: this.#name, ReturnValues: 'ALL_NEW' }));
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return null;
      throw error;
    }
  }

  /**
   * All or nothing. False when a condition refused it; tried again while another transaction is in the way.
   * Rejects with RetriableException when that does not end.
   */
  async transact(operations: readonly TransactItem[]): Promise<boolean> {
    const TransactItems = [...operations];
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#client.send(new TransactWriteCommand({ TransactItems }));
        return true;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = (error.CancellationReasons ?? []).map(({ Code }) => Code);
        if (reasons.includes('ConditionalCheckFailed')) return false;
        if (!reasons.some((code) => code === 'TransactionConflict' || code === 'ThrottlingError')) throw error;
        if (attempt >= conflictRetries) throw new RetriableException('The table is being changed by others all the time', { cause: error });
        await this.clock.sleep(10 * 2 ** attempt);
      }
    }
  }

  /** Deletes items, many at a time. */
  async deleteAll(keys: readonly Key[]): Promise<void> {
    for (let at = 0; at < keys.length; at += transactionLimit) {
      await this.transact(keys.slice(at, at + transactionLimit).map(({ pk, sk }) => ({ Delete: { TableName: this.#name, Key: { pk, sk } } })));
    }
  }

  /** For operations of a transaction. */
  get name(): string {
    return this.#name;
  }
}

async function refused(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Numbers are numbers while they are exact, bigint beyond. */
function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}
