import { RetriableException } from '../connect/errors.ts';
import { type ConnectorClients, OffsetsTopic } from '../runtime/exactly-once/offsets-topic.ts';
import type { PartitionOffset } from '../runtime/exactly-once/stored-offsets.ts';
import { fenceProducers, sendInTransaction } from '../runtime/exactly-once/transactional-producers.ts';
import type { ProducerStore } from '../storage/ports.ts';

/** Offsets of a source whose truth is a topic, while it is stopped. */
export interface TransactionalOffsets {
  all(): readonly PartitionOffset[];
  /**
   * Writes offsets in one transaction. The tasks' producers were fenced before, and one that begins since then refuses it. Throws
   * RetriableException in that case, and when Kafka cannot be reached.
   */
  write(offsets: readonly PartitionOffset[]): Promise<void>;
}

/** Fences the producers of a stopped connector's tasks and reads its offsets; null when they are not kept in a topic (KIP-875 with KIP-618). */
export async function transactionalOffsets(producers: ProducerStore, clients: ConnectorClients): Promise<TransactionalOffsets | null> {
  const known = await producers.get(clients.connector);
  const place = known?.offsetsTopic ?? null;
  if (known === null || place === null) return null;
  await fenceProducers(clients, known.count);
  const stored = await new OffsetsTopic(clients, place.topic).read();
  return {
    all: () => stored.all(),
    async write(offsets) {
      // Who plans the tasks anew changes it as well: of two at once one goes on.
      if ((await producers.change(clients.connector, known, known)) === null)
        throw new RetriableException(`The tasks of connector ${clients.connector} are being planned at this moment; try again`);
      await sendInTransaction(
        clients,
        offsets.map((each) => stored.record(place.topic, each)),
      );
    },
  };
}
