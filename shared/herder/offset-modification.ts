import type { Clock } from '../connect/clock.ts';
import { isConnectException, NotFoundException } from '../connect/errors.ts';
import type { Logger } from '../connect/logger.ts';
import type { Plugins } from '../connect/plugins.ts';
import { parsePartitionKey } from '../connect/topic-partition.ts';
import type { KafkaClients } from '../kafka/ports.ts';
import { clientOverrides } from '../runtime/client-overrides.ts';
import { sinkGroup, subscriptionOf } from '../runtime/partition-assignor.ts';
import type { ConnectorSpec, Storage } from '../storage/ports.ts';
import { BadRequestException, ConnectRestException } from './connect-rest-exception.ts';
import { type OffsetChange, parseSinkOffsets, parseSourceOffsets, sinkConnectorOffsets } from './connector-offsets.ts';
import type { ConnectorOffsets, Message } from './entities.ts';
import type { ResetTarget } from './reset-target.ts';
import { type TransactionalOffsets, transactionalOffsets } from './transactional-offsets.ts';

const conflictingOperation = 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)';
/** How long a request waits for the tasks of a stopped connector to be gone, and how often it looks. */
const drainTimeoutMs = 20_000;
const drainIntervalMs = 200;
const changeAttempts = 5;

interface OffsetModificationOptions {
  readonly storage: Storage;
  readonly kafka: KafkaClients;
  readonly plugins: Plugins;
  readonly worker: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Changes offsets of stopped connectors (KIP-875). */
export class OffsetModification {
  readonly #options: OffsetModificationOptions;

  constructor(options: OffsetModificationOptions) {
    this.#options = options;
  }

  /** Sets or removes some offsets; the connector may refuse. Throws BadRequestException with Kafka's texts. */
  async alter(name: string, changes: readonly OffsetChange[] | null): Promise<Message> {
    if (changes === null || changes.length === 0) throw new BadRequestException('Partitions / offsets need to be provided for an alter offsets request');
    return this.#change(name, async (spec) => {
      if (spec.type === 'source') await this.#requireProducer(spec);
      const own =
        spec.type === 'sink'
          ? await this.#alterSinkOffsets(spec, parseSinkOffsets(changes))
          : await this.#alterSourceOffsets(spec, parseSourceOffsets(changes));
      return own === null ? null : modified('altered', own);
    });
  }

  /** Removes all of them; `deleting`: because their connector goes, however wrong it is. */
  async reset(name: string, { deleting = false } = {}): Promise<Message> {
    return this.#change(name, async (spec) => {
      if (spec.type === 'source' && !deleting) await this.#requireProducer(spec);
      const own = spec.type === 'sink' ? await this.#resetSinkOffsets(spec) : await this.#resetSourceOffsets(spec);
      return own === null ? null : modified('reset', own);
    });
  }

  /**
   * Works on the offsets of a connector that is stopped; `work` returns null when its spec has become another one meanwhile. That may be
   * the plan of the stop itself: it is tried again with the new one, and where somebody resumed the connector, that is the answer.
   */
  async #change<T extends Message>(name: string, work: (spec: ConnectorSpec) => Promise<T | null>): Promise<T> {
    for (let attempt = 0; attempt < changeAttempts; attempt++) {
      const message = await work(await this.#stopped(name));
      if (message !== null) return message;
    }
    throw new ConnectRestException(409, conflictingOperation);
  }

  async #resetSinkOffsets(spec: ConnectorSpec): Promise<boolean | null> {
    const { offsets } = this.#options.storage;
    const stored = [...(await offsets.sinkOffsets(spec.name)).keys()];
    const removed = stored.map((key) => ({ partition: parsePartitionKey(key), offset: null }));
    const own = this.#askConnector(spec, (connector) => (connector.kind === 'sink' ? connector.alterOffsets?.(spec.config, removed) : undefined));
    if (!(await offsets.purge(spec.name, spec))) return null;
    await this.#mirror(spec, (admin, group) => admin.deleteGroup(group));
    return own;
  }

  async #resetSourceOffsets(spec: ConnectorSpec): Promise<boolean | null> {
    const { offsets } = this.#options.storage;
    const topic = await this.#transactional(spec);
    const stored = topic === null ? await offsets.sourceOffsets(spec.name) : topic.all();
    const removed = stored.map(({ partition }) => ({ partition, offset: null }));
    const own = this.#askConnector(spec, (connector) => (connector.kind === 'source' ? connector.alterOffsets?.(spec.config, removed) : undefined));
    if (removed.length > 0) await topic?.write(removed);
    const changed = await offsets.purge(spec.name, spec);
    // What is in the topic holds; the table only mirrors it.
    return changed || topic !== null ? own : null;
  }

  /**
   * Not of Kafka Connect: sets each partition of a stopped sink to the first record at or after a time, or to its end where there is none.
   * Tells which offsets it set. Throws BadRequestException for a source, and where the sink has no partitions.
   */
  async resetTo(name: string, target: ResetTarget): Promise<Message & ConnectorOffsets> {
    const { spec } = await this.#snapshot(name);
    if (spec.type === 'source')
      throw new BadRequestException(
        `Connector ${name} is a source: its offsets are positions in the system that it reads, which Kafka cannot find by time. Set them with PATCH /connectors/${name}/offsets, or remove them with DELETE /connectors/${name}/offsets so that it begins anew`,
      );
    return this.#change(name, async (stopped) => {
      const offsets = await this.#offsetsAt(stopped, target);
      if (offsets.size === 0)
        throw new BadRequestException(`Connector ${name} has no partitions to be reset: none of its topics exists (topics, topics.regex). Nothing was changed`);
      const own = await this.#alterSinkOffsets(stopped, offsets);
      return own === null ? null : { ...modified('reset', own), ...sinkConnectorOffsets(offsets) };
    });
  }

  async #offsetsAt({ config }: ConnectorSpec, target: ResetTarget): Promise<ReadonlyMap<string, bigint>> {
    const admin = this.#options.kafka.admin();
    try {
      const { topics, select } = subscriptionOf(config);
      const counts = select(await admin.partitionCounts(topics ?? undefined));
      const partitions = Object.entries(counts).flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition })));
      if (partitions.length === 0) return new Map();
      if (target === 'earliest') return await admin.beginningOffsets(partitions);
      return target === 'latest' ? await admin.endOffsets(partitions) : await admin.offsetsForTime(partitions, target);
    } finally {
      await admin.close();
    }
  }

  /** The spec of a connector whose offsets may be changed: it is stopped, and its last run is over. */
  async #stopped(name: string): Promise<ConnectorSpec> {
    const { clock } = this.#options;
    const deadline = clock.now() + drainTimeoutMs;
    for (;;) {
      const { spec, tasks } = await this.#snapshot(name);
      if (spec.targetState !== 'STOPPED')
        throw new BadRequestException(
          `Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
        );
      if (tasks.length === 0) return spec;
      if (clock.now() >= deadline) throw new ConnectRestException(409, conflictingOperation);
      await clock.sleep(drainIntervalMs);
    }
  }

  async #alterSourceOffsets(spec: ConnectorSpec, offsets: ReturnType<typeof parseSourceOffsets>): Promise<boolean | null> {
    const topic = await this.#transactional(spec);
    const own = this.#askConnector(spec, (connector) => (connector.kind === 'source' ? connector.alterOffsets?.(spec.config, offsets) : undefined));
    await topic?.write(offsets);
    const changed = await this.#options.storage.offsets.alterSourceOffsets(spec.name, offsets, spec);
    return changed || topic !== null ? own : null;
  }

  /** The offsets of a source would be of no use while no task of it can begin: Kafka Connect fails here, with the same words, at making the producer. */
  async #requireProducer({ config }: ConnectorSpec): Promise<void> {
    const { kafka, worker } = this.#options;
    const overrides = Object.entries(clientOverrides('producer', worker, config));
    try {
      // A reference to a config provider is what it is only when it is resolved.
      await kafka.producer({}, Object.fromEntries(overrides.filter(([, value]) => !value.includes('${')))).close();
    } catch (error) {
      if (isConnectException(error))
        throw new BadRequestException(`${error.message} (producer.override.* of the connector, or producer.* of the worker)`, { cause: error });
      throw error;
    }
  }

  #transactional(spec: ConnectorSpec): Promise<TransactionalOffsets | null> {
    return transactionalOffsets(this.#options.storage.producers, { ...this.#options, connector: spec.name, config: spec.config });
  }

  async #alterSinkOffsets(spec: ConnectorSpec, offsets: ReadonlyMap<string, bigint | null>): Promise<boolean | null> {
    const set = new Map([...offsets].filter((entry): entry is [string, bigint] => entry[1] !== null));
    const stored = await this.#options.storage.offsets.sinkOffsets(spec.name);
    if (set.size === 0 && stored.size === 0)
      throw new BadRequestException(`Failed to alter consumer group offsets for connector ${spec.name}: it has no offsets that could be removed`);
    // What is stored may always be removed, also of a topic that is gone.
    await this.#requirePartitions(
      spec.name,
      [...offsets.keys()].filter((key) => set.has(key) || !stored.has(key)),
    );
    const changes = [...offsets].map(([key, offset]) => ({ partition: parsePartitionKey(key), offset }));
    const own = this.#askConnector(spec, (connector) => (connector.kind === 'sink' ? connector.alterOffsets?.(spec.config, changes) : undefined));
    if (!(await this.#options.storage.offsets.alterSinkOffsets(spec.name, offsets, spec))) return null;
    if (set.size === offsets.size) {
      await this.#mirror(spec, (admin, group) => admin.commitGroupOffsets(group, set));
      return own;
    }
    // What was removed must not come back from the group when the connector is planned.
    const left = await this.#options.storage.offsets.sinkOffsets(spec.name);
    await this.#mirror(spec, async (admin, group) => {
      await admin.deleteGroup(group);
      if (left.size > 0) await admin.commitGroupOffsets(group, left);
    });
    return own;
  }

  async #requirePartitions(name: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const partitions = keys.map(parsePartitionKey);
    const admin = this.#options.kafka.admin();
    try {
      const counts = await admin.partitionCounts([...new Set(partitions.map(({ topic }) => topic))]);
      const missing = partitions.filter(({ topic, partition }) => partition < 0 || partition >= (counts.get(topic) ?? 0));
      if (missing.length > 0)
        throw new BadRequestException(
          `Failed to alter consumer group offsets for connector ${name}: there is no partition ${missing.map(({ topic, partition }) => `${partition} of topic ${topic}`).join(', ')}`,
        );
    } finally {
      await admin.close();
    }
  }

  /** Lets the connector refuse. True when it keeps no offsets elsewhere, so that ours are all there are. */
  #askConnector(spec: ConnectorSpec, ask: (connector: ReturnType<Plugins['connector']>) => boolean | undefined): boolean {
    const connector = this.#options.plugins.connector(spec.config['connector.class'] ?? '');
    try {
      return ask(connector) ?? false;
    } catch (error) {
      if (isConnectException(error)) throw new BadRequestException(error.message, { cause: error });
      throw error;
    }
  }

  /** The consumer group only mirrors what the table says, for the sake of tools: that it lags behind fails no request. */
  async #mirror(spec: ConnectorSpec, write: (admin: ReturnType<KafkaClients['admin']>, group: string) => Promise<void>): Promise<void> {
    const group = sinkGroup(spec.name, spec.config);
    const admin = this.#options.kafka.admin();
    try {
      await write(admin, group);
    } catch (error) {
      this.#options.logger.warn('The consumer group of a sink connector could not be brought up to date', {
        connector: spec.name,
        group,
        error: String(error),
      });
    } finally {
      await admin.close();
    }
  }

  async #snapshot(name: string) {
    const snapshot = await this.#options.storage.connectors.snapshot(name);
    if (snapshot === null) throw new NotFoundException(`Connector ${name} not found`);
    return snapshot;
  }
}

function modified(what: 'altered' | 'reset', own: boolean): Message {
  return {
    message: own
      ? `The offsets for this connector have been ${what} successfully`
      : `The Connect framework-managed offsets for this connector have been ${what} successfully. However, if this connector manages offsets externally, they will need to be manually ${what} in the system that the connector uses.`,
  };
}
