/** Queues and buckets of AWS for dead letters. Clients are made when they are first needed. */
export interface DeadLetterServices {
  /** An SQS queue by its URL. */
  queue(url: string): LetterQueue;
  /** An S3 bucket by its name. */
  bucket(name: string): LetterBucket;
}

export interface OutgoingMessage {
  readonly body: string;
  /** Ten at most, none empty. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ReceivedMessage {
  readonly id: string;
  /** Names this receipt of the message; the queue takes it for a while. */
  readonly receipt: string;
  readonly body: string;
  readonly sentAt: number;
}

/** A standard SQS queue. Every method rejects with RetriableException when trying again may help, else with ConnectException. */
export interface LetterQueue {
  /** Most bytes of a message, as the queue is set; rejects when there is no such queue, or it may not be used. */
  maxMessageBytes(): Promise<number>;
  /** Sends ten at most. What was not taken, by index; it may be sent again. */
  send(messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<number, Error>>;
  /** Ten at most; others do not see them for `hiddenSeconds`. None after `waitSeconds` without any. */
  receive(options: { readonly max: number; readonly hiddenSeconds: number; readonly waitSeconds: number }): Promise<readonly ReceivedMessage[]>;
  /** Removes messages for good. Done again for one that is gone it does nothing. */
  delete(receipts: readonly string[]): Promise<void>;
  /** Hides messages for as long from now; 0: others see them at once. One whose receipt is over is left out. */
  hide(receipts: readonly string[], seconds: number): Promise<void>;
  /** About how many there are, and how many of them somebody has received. */
  size(): Promise<{ readonly visible: number; readonly hidden: number }>;
}

/** A bucket of S3; rejects as a queue does. */
export interface LetterBucket {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Null when there is none, or no more. */
  get(key: string): Promise<Buffer | null>;
}
