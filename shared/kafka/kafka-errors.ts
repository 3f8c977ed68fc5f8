import { ConnectException, RetriableException } from '../connect/errors.ts';
import { brokerErrorCodes } from './kafkajs-internals.ts';

/** Error codes of the protocol that this layer acts on. */
export const errorCode = {
  none: 0,
  offsetOutOfRange: 1,
  corruptMessage: 2,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  replicaNotAvailable: 9,
  messageTooLarge: 10,
  networkException: 13,
  coordinatorLoadInProgress: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  invalidTopic: 17,
  recordListTooLarge: 18,
  topicAuthorizationFailed: 29,
  unsupportedSaslMechanism: 33,
  illegalSaslState: 34,
  topicAlreadyExists: 36,
  outOfOrderSequence: 45,
  duplicateSequence: 46,
  invalidProducerEpoch: 47,
  invalidTxnState: 48,
  concurrentTransactions: 51,
  kafkaStorageError: 56,
  saslAuthenticationFailed: 58,
  unknownProducerId: 59,
  groupIdNotFound: 69,
  fencedLeaderEpoch: 74,
  unknownLeaderEpoch: 75,
  offsetNotAvailable: 78,
  invalidRecord: 87,
  producerFenced: 90,
} as const;

// Names under which the Java client throws these; the last part of the trace that users search for.
const javaNames: Readonly<Record<number, string>> = {
  1: 'OffsetOutOfRangeException',
  2: 'CorruptRecordException',
  3: 'UnknownTopicOrPartitionException',
  5: 'LeaderNotAvailableException',
  6: 'NotLeaderOrFollowerException',
  7: 'TimeoutException',
  10: 'RecordTooLargeException',
  13: 'NetworkException',
  14: 'CoordinatorLoadInProgressException',
  15: 'CoordinatorNotAvailableException',
  16: 'NotCoordinatorException',
  17: 'InvalidTopicException',
  18: 'RecordBatchTooLargeException',
  19: 'NotEnoughReplicasException',
  20: 'NotEnoughReplicasAfterAppendException',
  29: 'TopicAuthorizationException',
  30: 'GroupAuthorizationException',
  31: 'ClusterAuthorizationException',
  32: 'InvalidTimestampException',
  36: 'TopicExistsException',
  37: 'InvalidPartitionsException',
  38: 'InvalidReplicationFactorException',
  40: 'InvalidConfigurationException',
  42: 'InvalidRequestException',
  44: 'PolicyViolationException',
  45: 'OutOfOrderSequenceException',
  47: 'InvalidProducerEpochException',
  53: 'TransactionalIdAuthorizationException',
  56: 'KafkaStorageException',
  59: 'UnknownProducerIdException',
  68: 'GroupNotEmptyException',
  87: 'InvalidRecordException',
  90: 'ProducerFencedException',
};

// What kafkajs 2.2.4 does not know yet.
const newer: Readonly<Record<number, { type: string; message: string; retriable: boolean }>> = {
  87: { type: 'INVALID_RECORD', message: 'This record has failed the validation on the broker and hence will be rejected.', retriable: false },
  89: { type: 'THROTTLING_QUOTA_EXCEEDED', message: 'The throttling quota has been exceeded.', retriable: true },
  90: { type: 'PRODUCER_FENCED', message: 'There is a newer producer with the same transactionalId which fences the current one.', retriable: false },
};

/** An error that a broker answered with. `code` is the protocol's number. */
export class BrokerException extends ConnectException {
  override readonly javaClass: string;
  readonly code: number;
  /** The broker's own words, or those of the code. */
  readonly reason: string;
  constructor(code: number, message: string, reason: string = message) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.javaClass = `org.apache.kafka.common.errors.${javaNames[code] ?? 'UnknownServerException'}`;
  }
}

/** The broker refused a login, or cannot do it as asked: trying again will not help. */
export class SaslAuthenticationException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.SaslAuthenticationException';
}

/** TLS failed because of a certificate or the settings of either side: trying again will not help. */
export class SslAuthenticationException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.SslAuthenticationException';
}

/** A record is larger than the producer or the broker takes. */
export class RecordTooLargeException extends ConnectException {
  override readonly javaClass: string = 'org.apache.kafka.common.errors.RecordTooLargeException';
}

/** Something did not happen in time; the Java client's `TimeoutException`, which the framework may try again. */
export class KafkaTimeoutException extends RetriableException {}

/** The connection broke, or could not be made, for a reason that may pass. */
export class ConnectionLostException extends RetriableException {}

/** What a code means, for people. */
export function brokerErrorText(code: number): string {
  const known = newer[code] ?? brokerErrorCodes.find((candidate) => candidate.code === code);
  return known ? `${known.type}: ${known.message}` : `error code ${code}`;
}

/** The error for a code that a broker answered with; `context` says about what, `reason` is the broker's own message if it gave one. */
export function brokerError(code: number, context: string, reason?: string | null): BrokerException {
  const text = brokerErrorText(code);
  return new BrokerException(code, `${context}: ${reason ? `${reason} (${text})` : text}`, reason || text);
}

/** True when the broker expects clients to try again, perhaps after a look at the metadata. */
export function isRetriableCode(code: number): boolean {
  const known = newer[code] ?? brokerErrorCodes.find((candidate) => candidate.code === code);
  return known?.retriable ?? false;
}

/** True for errors after which trying again makes sense. */
export function mayPass(error: unknown): boolean {
  if (error instanceof BrokerException) return isRetriableCode(error.code);
  return error instanceof RetriableException;
}
