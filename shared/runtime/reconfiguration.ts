import type { RuntimePorts } from './ports.ts';

/**
 * Asks a connector for its task configs again on behalf of one of its tasks (Kafka Connect's `requestTaskReconfiguration`): where they have changed,
 * new tasks begin under a new generation, once the runs of the old ones have ended; where they have not, nobody notices. A connector that is
 * FAILED is not asked: its user, or its automatic restart, is to do that.
 */
export class Reconfiguration {
  readonly #ports: Pick<RuntimePorts, 'storage' | 'logger'>;
  readonly #connector: string;
  #asking: Promise<void> | null = null;
  #wanted = false;

  constructor(ports: Pick<RuntimePorts, 'storage' | 'logger'>, connector: string) {
    this.#ports = ports;
    this.#connector = connector;
  }

  /** Does not wait; who asks while it is being asked is answered by another time. */
  request(): void {
    this.#wanted = true;
    this.#asking ??= this.#ask();
  }

  /** Resolves when what was asked for is stored; what could not be is tried once more. A run ends only then: its process may be frozen afterwards. */
  async settled(): Promise<void> {
    await this.#asking;
    if (!this.#wanted) return;
    this.#asking ??= this.#ask();
    await this.#asking;
  }

  async #ask(): Promise<void> {
    const { storage, logger } = this.#ports;
    try {
      while (this.#wanted) {
        this.#wanted = false;
        const snapshot = await storage.connectors.snapshot(this.#connector);
        if (snapshot !== null && snapshot.status?.state !== 'FAILED') await storage.connectors.restartConnector(this.#connector);
      }
    } catch (error) {
      this.#wanted = true;
      logger.warn('Task reconfiguration could not be requested', { connector: this.#connector, error: String(error) });
    } finally {
      this.#asking = null;
    }
  }
}
