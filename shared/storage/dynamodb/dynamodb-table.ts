import { ConditionalCheckFailedException, type DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  ScanCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../connect/clock.ts';
import { ConnectException } from '../../connect/errors.ts';
import { UnavailableStorageException } from '../ports.ts';
import { Expressions } from './expressions.ts';
import {
  type Change,
  type Condition,
  type Item,
  type ItemTable,
  itemsPerPage,
  itemTooLarge,
  type Key,
  type KeyRange,
  type Operation,
  type PageRange,
  sizeOf,
  tableSchema,
} from './table.ts';

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** Retries while another transaction has an item; those of throttling and server errors are the client's. */
const conflictRetries = 8;
const conflictBackoffMs = 10;

/** The table in DynamoDB. */
export class DynamoDbTable implements ItemTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;
  readonly #clock: Clock;

  constructor({ client, tableName, clock }: { client: DynamoDBClient; tableName: string; clock: Clock }) {
    this.#client = DynamoDBDocumentClient.from(client, {
      marshallOptions: { removeUndefinedValues: true },
      unmarshallOptions: { wrapNumbers: exactNumber },
    });
    this.#name = tableName;
    this.#clock = clock;
  }

  async get(key: Key, attributes?: readonly string[]): Promise<Item | null> {
    const expressions = new Expressions();
    const projection = attributes && expressions.projection(attributes);
    const command = new GetCommand({ TableName: this.#name, Key: key, ConsistentRead: true, ...projection, ...expressions.placeholders });
    const { Item: item } = await this.#client.send(command).catch((error: unknown) => {
      throw storageError(error);
    });
    return item ?? null;
  }

  query({ pk, from, to, prefix, attributes }: KeyRange): Promise<readonly Item[]> {
    const expressions = new Expressions();
    const sk = expressions.name(tableSchema.sortKey);
    const range =
      prefix !== undefined
        ? ` AND begins_with(${sk}, ${expressions.value(prefix)})`
        : to !== undefined
          ? ` AND ${sk} BETWEEN ${expressions.value(from ?? ' ')} AND ${expressions.value(to)}`
          : ` AND ${sk} >= ${expressions.value(from ?? ' ')}`;
    const KeyConditionExpression = `${expressions.name(tableSchema.partitionKey)} = ${expressions.value(pk)}${range}`;
    const projection = attributes && expressions.projection(attributes);
    return this.#pages({ ConsistentRead: true, KeyConditionExpression, ...projection, ...expressions.placeholders });
  }

  async page({ prefixes, attributes, segment, after, consistent }: PageRange): Promise<{ items: readonly Item[]; last: Key | null }> {
    const expressions = new Expressions();
    const sk = expressions.name(tableSchema.sortKey);
    const command = new ScanCommand({
      TableName: this.#name,
      ConsistentRead: consistent,
      Segment: segment.number,
      TotalSegments: segment.of,
      Limit: itemsPerPage,
      ...(after === null ? {} : { ExclusiveStartKey: after }),
      FilterExpression: prefixes.map((prefix) => `begins_with(${sk}, ${expressions.value(prefix)})`).join(' OR '),
      ...expressions.projection(attributes),
      ...expressions.placeholders,
    });
    const { Items: items = [], LastEvaluatedKey: last } = await this.#client.send(command).catch((error: unknown) => {
      throw storageError(error);
    });
    return { items, last: (last as Key | undefined) ?? null };
  }

  due(shard: string, now: number): Promise<readonly Item[]> {
    const { name, partitionKey, sortKey } = tableSchema.dueIndex;
    const expressions = new Expressions();
    const KeyConditionExpression = `${expressions.name(partitionKey)} = ${expressions.value(shard)} AND ${expressions.name(sortKey)} <= ${expressions.value(now)}`;
    return this.#pages({ IndexName: name, KeyConditionExpression, ...expressions.placeholders });
  }

  async put(item: Item): Promise<void> {
    const key = item as Item & Key;
    await this.#write(key, () => this.#client.send(new PutCommand({ TableName: this.#name, Item: item })));
  }

  async update(key: Key, change: Change, when: readonly Condition[], { returnNew = false } = {}): Promise<Item | null> {
    const expressions = new Expressions();
    const command = new UpdateCommand({
      TableName: this.#name,
      Key: key,
      ...expressions.condition(when),
      ...expressions.change(change),
      ...expressions.placeholders,
      ReturnValues: returnNew ? 'ALL_NEW' : 'NONE',
    });
    try {
      const { Attributes } = await this.#write(key, () => this.#client.send(command));
      return Attributes ?? {};
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return null;
      throw error;
    }
  }

  async transact(operations: readonly Operation[]): Promise<readonly number[]> {
    const TransactItems = operations.map((operation) => this.#transactItem(operation));
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#client.send(new TransactWriteCommand({ TransactItems }));
        return [];
      } catch (error) {
        if (!(error instanceof TransactionCanceledException))
          throw sizeMessage.test((error as Error).message) ? itemTooLarge(largest(operations), error) : storageError(error);
        const reasons = error.CancellationReasons ?? [];
        const refused = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []));
        if (refused.length > 0) return refused;
        const large = reasons.findIndex(({ Code, Message }) => Code === 'ValidationError' && sizeMessage.test(Message ?? ''));
        if (large >= 0) throw itemTooLarge(keyOf(operations[large] as Operation), error);
        if (!reasons.some(({ Code }) => transient.has(Code ?? ''))) throw storageError(error);
        await this.#backOff(attempt, error);
      }
    }
  }

  async #pages(input: Omit<QueryCommandInput, 'TableName'>): Promise<readonly Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Record<string, unknown> | undefined;
    do {
      const command: QueryCommand = new QueryCommand({ ...input, TableName: this.#name, ExclusiveStartKey });
      const page = await this.#client.send(command).catch((error: unknown) => {
        throw storageError(error);
      });
      for (const item of page.Items ?? []) items.push(item);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  }

  async #write<T>(key: Key, send: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send();
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) throw error;
        const { name, message } = error as Error;
        if (name === 'ValidationException' && sizeMessage.test(message)) throw itemTooLarge(key, error);
        if (name !== 'TransactionConflictException') throw storageError(error);
        await this.#backOff(attempt, error);
      }
    }
  }

  async #backOff(attempt: number, cause: unknown): Promise<void> {
    if (attempt >= conflictRetries) throw new UnavailableStorageException('The table is being changed by others all the time; try again later', { cause });
    await this.#clock.sleep(conflictBackoffMs * 2 ** attempt * (0.5 + Math.random()));
  }

  #transactItem(operation: Operation): TransactItem {
    const expressions = new Expressions();
    const condition = expressions.condition(operation.when);
    const TableName = this.#name;
    if ('put' in operation) return { Put: { TableName, Item: operation.put, ...condition, ...expressions.placeholders } };
    if ('delete' in operation) return { Delete: { TableName, Key: operation.delete, ...condition, ...expressions.placeholders } };
    if ('check' in operation)
      return { ConditionCheck: { TableName, Key: operation.check, ConditionExpression: condition.ConditionExpression, ...expressions.placeholders } };
    const change = expressions.change(operation.change);
    return { Update: { TableName, Key: operation.update, ...condition, ...change, ...expressions.placeholders } };
  }
}

const sizeMessage = /item size.*exceeded/i;
const transient = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

/** DynamoDB does not say which item of a transaction it finds too large before it begins. */
function largest(operations: readonly Operation[]): Key {
  const size = (operation: Operation) => ('put' in operation ? sizeOf(operation.put) : 'update' in operation ? sizeOf(operation.change) : 0);
  return keyOf(operations.reduce((a, b) => (size(b) > size(a) ? b : a)));
}

function keyOf(operation: Operation): Key {
  if ('put' in operation) return operation.put as Item & Key;
  return 'update' in operation ? operation.update : 'delete' in operation ? operation.delete : operation.check;
}

/** What the client could not mend by its own retries may go better later; anything else is for a person, with DynamoDB's words. */
function storageError(error: unknown): Error {
  const { name, message, $retryable, $metadata } = error as Error & { $retryable?: unknown; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if ($retryable !== undefined || status === undefined || status >= 500 || /Throttling|ThroughputExceeded|RequestLimit/.test(name)) {
    return new UnavailableStorageException(`DynamoDB cannot be used now: ${name}: ${message}`, { cause: error });
  }
  return new ConnectException(`DynamoDB refused: ${name}: ${message}`, { cause: error });
}

/** Numbers are numbers while they are exact, bigint beyond. */
function exactNumber(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}
