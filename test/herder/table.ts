import type { SourceOffset, SourcePartition, TaskConfig } from '../../shared/connect/index.ts';
import type { ConnectorSnapshot, ConnectorSpec, ConnectorStatus, Lease, Storage, TaskItem } from '../../shared/storage/ports.ts';

interface Entry {
  spec: ConnectorSpec;
  status: ConnectorStatus | null;
  tasks: TaskItem[];
  topics: string[];
}

/** The part of the storage that the herder uses, in memory, and what the controller and the runs would do to it. */
export class Table {
  readonly #entries = new Map<string, Entry>();
  readonly #sourceOffsets = new Map<string, { partition: SourcePartition; offset: SourceOffset }[]>();
  readonly #sinkOffsets = new Map<string, Map<string, bigint>>();
  readonly #levels: Record<string, { level: string; lastModified: number }> = {};
  heartbeatAt: number | null = 0;
  /** Called before an update is stored, to make somebody else faster. */
  beforeUpdate: (() => void) | null = null;

  plan(name: string, configs: readonly TaskConfig[]): void {
    const entry = this.#entry(name);
    const { spec } = entry;
    entry.spec = { ...spec, plannedGeneration: spec.generation };
    entry.status = { state: 'RUNNING', trace: null, workerId: 'worker-1' };
    entry.tasks = configs.map((config, task) => ({
      connector: name,
      task,
      type: spec.type,
      generation: spec.generation,
      restarts: 0,
      config,
      partitions: [],
      offsets: new Map(),
      state: 'RUNNING',
      trace: null,
      workerId: 'worker-1',
      epoch: 1,
      lease: null,
      dueAt: null,
      lostRuns: 0,
      failedRuns: 0,
      failure: null,
      lastSuccessAt: null,
      lastError: null,
      circuit: null,
    }));
  }

  failConnector(name: string, trace: string): void {
    this.#entry(name).status = { state: 'FAILED', trace, workerId: 'worker-1' };
  }

  changeTask(name: string, task: number, change: { state?: TaskItem['state']; trace?: string; lease?: Lease | null }): void {
    const entry = this.#entry(name);
    entry.tasks = entry.tasks.map((each) => (each.task === task ? { ...each, ...change } : each));
  }

  touch(name: string): void {
    const entry = this.#entry(name);
    entry.spec = { ...entry.spec, updatedAt: entry.spec.updatedAt + 1 };
  }

  spec(name: string): ConnectorSpec {
    return this.#entry(name).spec;
  }

  task(name: string, task: number): TaskItem {
    return this.#entry(name).tasks[task] as TaskItem;
  }

  readonly storage: Storage = {
    connectors: {
      list: async () => [...this.#entries.keys()].sort(),
      get: async (name) => this.#entries.get(name)?.spec ?? null,
      snapshot: async (name) => this.#snapshot(name),
      summaries: async () => ({ connectors: [...this.#entries.values()], unreadable: [] }),
      create: async ({ name, type, config, targetState }) => {
        if (this.#entries.has(name)) return null;
        const spec: ConnectorSpec = {
          ...{ name, type, config, targetState, generation: 1, plannedGeneration: 0, createdAt: 0, updatedAt: 0 },
          ...{ assignedTopics: null, dueAt: 0, planAttempts: 0, revision: 1, failedPlans: 0, topicResets: 0, lastError: null },
        };
        this.#entries.set(name, { spec, status: null, tasks: [], topics: [] });
        return spec;
      },
      update: async (expected, { newGeneration, ...change }) => {
        this.beforeUpdate?.();
        const entry = this.#entries.get(expected.name);
        if (entry?.spec !== expected) return null;
        entry.spec = {
          ...entry.spec,
          ...change,
          generation: entry.spec.generation + (newGeneration ? 1 : 0),
          updatedAt: entry.spec.updatedAt + 1,
          revision: entry.spec.revision + 1,
        };
        return entry.spec;
      },
      delete: async (name) => this.#entries.delete(name),
      restartTask: async (name, task) => {
        if (this.#entries.get(name)?.tasks[task] === undefined) return false;
        this.changeTask(name, task, { state: 'RESTARTING' });
        return true;
      },
      restartConnector: async (name) => {
        const entry = this.#entries.get(name);
        if (entry === undefined) return false;
        entry.spec = { ...entry.spec, generation: entry.spec.generation + 1 };
        entry.status = null;
        return true;
      },
      addActiveTopics: async (name, topics) => {
        this.#entry(name).topics = [...topics];
      },
      resetActiveTopics: async (name) => {
        const entry = this.#entries.get(name);
        if (entry) entry.topics = [];
      },
    },
    offsets: {
      sourceOffset: async () => null,
      sourceOffsets: async (name) => this.#sourceOffsets.get(name) ?? [],
      sinkOffsets: async (name) => this.#sinkOffsets.get(name) ?? new Map(),
      alterSourceOffsets: async (name, changes) => {
        const kept = new Map((this.#sourceOffsets.get(name) ?? []).map((each) => [JSON.stringify(each.partition), each]));
        for (const { partition, offset } of changes) {
          if (offset === null) kept.delete(JSON.stringify(partition));
          else kept.set(JSON.stringify(partition), { partition, offset });
        }
        this.#sourceOffsets.set(name, [...kept.values()]);
        return true;
      },
      alterSinkOffsets: async (name, changes) => {
        const kept = new Map(this.#sinkOffsets.get(name) ?? []);
        for (const [key, offset] of changes) {
          if (offset === null) kept.delete(key);
          else kept.set(key, offset);
        }
        this.#sinkOffsets.set(name, kept);
        return true;
      },
      purge: async (name) => {
        this.#sourceOffsets.delete(name);
        this.#sinkOffsets.delete(name);
        return true;
      },
    },
    producers: {
      get: async () => null,
      change: async () => null,
    },
    cluster: {
      info: async () => ({ clusterId: 'cluster-1', heartbeatAt: this.heartbeatAt }),
      logLevels: async () => this.#levels,
      setLogLevel: async (logger, level, lastModified) => {
        this.#levels[logger] = { level, lastModified };
      },
    },
    get control(): never {
      throw new Error('The herder does not plan');
    },
    get replays(): never {
      throw new Error('not in this table');
    },
    get runs(): never {
      throw new Error('The herder does not run tasks');
    },
  };

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new Error(`There is no connector ${name}`);
    return entry;
  }

  #snapshot(name: string): ConnectorSnapshot | null {
    const entry = this.#entries.get(name);
    return entry === undefined ? null : { ...entry };
  }
}
