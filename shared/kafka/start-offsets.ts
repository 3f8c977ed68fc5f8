import { ConnectException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { brokerError, errorCode } from './kafka-errors.ts';
import { listOffsets, listOffsetsAt } from './list-offsets.ts';
import type { PartitionFetchState } from './partition-fetch-state.ts';
import type { OffsetReset } from './ports.ts';

const remedy = "Set the connector's offsets, or auto.offset.reset to earliest or latest.";

/** Where partitions begin that have no offset, or one that is not there any more: `auto.offset.reset`. */
export class StartOffsets {
  readonly #cluster: KafkaCluster;
  readonly #logger: Logger;
  readonly #reset: OffsetReset;
  readonly #readCommitted: boolean;

  constructor(cluster: KafkaCluster, logger: Logger, reset: OffsetReset, readCommitted: boolean) {
    this.#cluster = cluster;
    this.#logger = logger;
    this.#reset = reset;
    this.#readCommitted = readCommitted;
  }

  /** Says that the offset of a partition is out of range and a new one is to be found. Throws ConnectException when the policy is none. */
  outOfRange({ fetchOffset, key }: PartitionFetchState): void {
    if (this.#reset === 'none') {
      throw new ConnectException(
        `Offset ${fetchOffset} of partition ${key} is out of range (its records were deleted, or the topic was made anew), and auto.offset.reset is none. ${remedy}`,
      );
    }
    this.#logger.warn(`Offset ${fetchOffset} of partition ${key} is out of range; continuing at the ${this.#reset} offset, as auto.offset.reset says`);
  }

  /**
   * Finds the offsets of partitions whose position is not known, and sets them. Returns an error that may pass for one
   * that does not exist, or does not yet; throws ConnectException when the policy is none, RetriableException when the
   * cluster does not answer.
   */
  async find(open: readonly PartitionFetchState[]): Promise<Error | undefined> {
    if (this.#reset === 'none') {
      const keys = open.map((state) => state.key).join(', ');
      throw new ConnectException(`There is no offset to start from for ${keys}, and auto.offset.reset is none. ${remedy}`);
    }
    const timestamp = this.#reset === 'latest' ? listOffsetsAt.latest : listOffsetsAt.earliest;
    const epochs = open.map((state) => state.epoch);
    const offsets = await listOffsets(this.#cluster, open, timestamp, this.#readCommitted);
    let missing: Error | undefined;
    for (const [index, state] of open.entries()) {
      if (state.epoch !== epochs[index]) continue;
      const offset = offsets.get(state.key);
      if (offset === undefined) missing = brokerError(errorCode.unknownTopicOrPartition, `Partition ${state.key}`);
      else state.restart(offset);
    }
    return missing;
  }
}
