import { RetriableException } from '../../shared/connect/errors.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { Controller, type CrashedRun } from '../../shared/controller/controller.ts';
import { stringConverter, stringHeaderConverter } from '../../shared/converters/string-converter.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import type { RunRequest } from '../../shared/runtime/task-run.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import { tableStorage } from '../../shared/storage/dynamodb/table-storage.ts';
import type { FailureReport, ReplayStore } from '../../shared/storage/ports.ts';
import type { MemoryTable } from './memory-table.ts';
import { ProcessTable, type TablePlants } from './process-table.ts';
import { type ConnectorPlants, type Origin, simConnectors, type Target } from './sim-connectors.ts';
import type { SimKafka } from './sim-kafka.ts';
import { SimProcess, type World } from './world.ts';

/** Bugs that are planted to see that they are found. */
export interface Plants extends TablePlants, ConnectorPlants {
  /** A lease ends long before its run. */
  readonly shortLease?: boolean;
  /** A lease ends long after the latest end of its run. */
  readonly longLease?: boolean;
  /** Messages of the failure queue get lost. */
  readonly lostFailures?: boolean;
  /** The producer says that records are there before they are. */
  readonly earlyAck?: boolean;
  /** A replay of dead letters stores that it is at its end when it has begun. */
  readonly earlyReplay?: boolean;
}

interface Environment {
  readonly process: SimProcess;
  readonly worker: Worker;
  busy: boolean;
}

const functionTimeoutMs = 60_000;
const reserveMs = 10_000;
const leaseMarginMs = 10_000;
/** Two clocks differ by less. */
const clockDifferenceMs = 5_000;
const text = 'org.apache.kafka.connect.storage.StringConverter';
const workerProperties = {
  'key.converter': text,
  'value.converter': text,
  'header.converter': text,
  'offset.flush.interval.ms': '2000',
  'bootstrap.servers': 'sim:1',
};

/** AWS as far as runs see it: functions in environments that are kept warm, die and freeze; invocations that come late, twice or not at all; a clock that ticks. */
export class Platform {
  readonly world: World;
  readonly failures: FailureReport[] = [];
  /** Runs that ended their task as FAILED, by invocation. */
  readonly failedRuns = new Map<string, { readonly connector: string; readonly task: number; readonly startedAt: number }>();
  /** What the simulation itself found wrong. */
  readonly violations: string[] = [];
  readonly #kafka: SimKafka;
  readonly #table: MemoryTable;
  readonly #origin: Origin;
  readonly #target: Target;
  readonly #plants: Plants;
  readonly #onWrite: () => Promise<void>;
  readonly #environments: Environment[] = [];
  #count = 0;

  constructor(options: { world: World; kafka: SimKafka; table: MemoryTable; origin: Origin; target: Target; plants: Plants; onWrite: () => Promise<void> }) {
    this.world = options.world;
    this.#kafka = options.kafka;
    this.#table = options.table;
    this.#origin = options.origin;
    this.#target = options.target;
    this.#plants = options.plants;
    this.#onWrite = options.onWrite;
    this.#table.onWake = () => {
      // The stream is read once more when the function fails, then what was missed is left to the tick.
      if (!this.world.fault(0.1)) this.world.schedule(this.world.random.int(50, 400), () => this.#look());
    };
  }

  /** Everything that a process reaches the world through. */
  ports(process: SimProcess): RuntimePorts {
    const table = new ProcessTable(this.#table, process, this.#plants, this.#onWrite);
    const kafka = this.#kafka.clients(process);
    const leases = this.#plants.ownClocks === true ? {} : { leaseClock: table.serverClock };
    const storage = tableStorage({ table, clock: process.clock, dueShards: 4, ...leases });
    return {
      storage: this.#plants.earlyReplay === true ? { ...storage, replays: earlyReplays(storage.replays) } : storage,
      kafka: this.#plants.earlyAck === true ? { ...kafka, producer: () => earlyAcks(kafka.producer()) } : kafka,
      plugins: new Plugins([stringConverter, stringHeaderConverter, ...simConnectors(process, this.#origin, this.#target, this.#plants)]),
      invoker: { invoke: (request) => this.#accept(process, request) },
      failures: {
        send: async (report) => {
          await process.latency();
          if (this.world.fault(0.02)) throw new RetriableException('The queue does not answer');
          if (this.#plants.lostFailures !== true) this.failures.push(report);
          await process.latency();
        },
      },
      clock: process.clock,
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
      metrics: { add() {} },
      worker: workerProperties,
      workerId: process.name,
    };
  }

  /** Starts the schedule. */
  tick(intervalMs: number): void {
    this.#look();
    this.world.schedule(intervalMs, () => this.tick(intervalMs));
  }

  process(name: string): SimProcess {
    return new SimProcess(this.world, `${name}-${this.#count++}`);
  }

  /** Each look in a process of its own, which may die on the way. */
  #look(crashed?: CrashedRun): void {
    const process = this.process('controller');
    if (this.world.fault(0.05)) this.world.schedule(this.world.random.int(1, 500), () => process.kill());
    const controller = new Controller(this.ports(process));
    void (async () => {
      if (crashed !== undefined) await controller.crashed(crashed);
      await controller.look();
    })().catch(() => {
      // A message stays in its queue until it was dealt with.
      if (crashed !== undefined) this.world.schedule(1_000, () => this.#look(crashed));
    });
  }

  /** Lambda takes an asynchronous invocation: it will come, as a rule once. */
  async #accept(process: SimProcess, request: RunRequest): Promise<void> {
    await process.latency();
    const { world } = this;
    if (world.fault(0.02)) throw new RetriableException('Rate exceeded');
    const delay = () => (world.fault(0.05) ? world.random.int(1_000, 40_000) : world.random.int(5, 300));
    if (!world.fault(0.03)) world.schedule(delay(), () => this.#invoke(request));
    if (world.fault(0.05)) world.schedule(delay(), () => this.#invoke(request));
    await process.latency();
  }

  #invoke(request: RunRequest): void {
    const { world } = this;
    const free = this.#environments.filter(({ busy, process }) => !busy && !process.dead);
    let environment = free.length > 0 && !world.random.chance(0.2) ? world.random.pick(free) : undefined;
    if (environment === undefined) {
      const process = this.process('task');
      environment = { process, worker: new Worker(this.ports(process)), busy: false };
      this.#environments.push(environment);
    }
    const { process, worker } = environment;
    environment.busy = true;
    const id = `run-${this.#count++}`;
    const now = process.clock.now();
    const startedAt = world.now;
    const lease = this.#plants.shortLease === true ? 3_000 : this.#plants.longLease === true ? 7_200_000 : functionTimeoutMs + leaseMarginMs;
    const invocation = { id, deadlineAt: now + functionTimeoutMs - reserveMs, expiresAt: now + lease, shutdown: new AbortController().signal };
    let over = false;
    world.schedule(lease + clockDifferenceMs, () => {
      if (!over && !process.wasFrozen) this.violations.push(`${id} of ${request.connector} goes on after its lease has ended`);
    });
    const crash = (error: string) => {
      if (over) return;
      over = true;
      process.kill();
      // The message about it may be lost: then the lease expires.
      if (!world.fault(0.2)) world.schedule(world.random.int(10, 2_000), () => this.#look({ request, run: id, error, trace: null }));
    };
    if (world.fault(0.08)) world.schedule(world.random.int(1, 8_000), () => crash('Runtime exited with error: signal: killed'));
    if (world.fault(0.03)) world.schedule(world.random.int(1, 5_000), () => process.freeze(world.random.int(1_000, 200_000)));
    world.schedule(functionTimeoutMs, () => {
      // What is frozen is not stopped either: it goes on when it is thawed, long after its lease.
      if (!process.frozen) crash('Task timed out');
    });
    void worker.run(request, invocation).then(
      ({ outcome }) => {
        if (outcome === 'failed' && request.kind === 'task') this.failedRuns.set(id, { connector: request.connector, task: request.task, startedAt });
        over = true;
        environment.busy = false;
      },
      (error: unknown) => {
        if (!over && world.now >= world.faultsUntil) this.violations.push(`A run was rejected without a fault: ${String(error)}`);
        crash(String(error));
      },
    );
  }
}

function earlyReplays(replays: ReplayStore): ReplayStore {
  return { ...replays, commit: (replay, progress) => replays.commit(replay, { ...progress, positions: replay.ends }) };
}

function earlyAcks(producer: ReturnType<RuntimePorts['kafka']['producer']>): ReturnType<RuntimePorts['kafka']['producer']> {
  return Object.assign(Object.create(producer) as typeof producer, {
    send: async (records: Parameters<typeof producer.send>[0]) => {
      void producer.send(records);
      return { acknowledged: records.length, errors: new Map(), metadata: () => null };
    },
    ready: () => undefined,
    flush: async () => {},
    close: async () => {},
  });
}
