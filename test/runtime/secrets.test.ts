import { beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigException,
  type ConfigProviderDefinition,
  configDef,
  defineSinkConnector,
  defineSourceConnector,
  int,
  RetriableException,
  replicate,
  SinkTask,
  SourceTask,
  string,
} from '../../shared/connect/index.ts';
import { Plugins } from '../../shared/connect/plugins.ts';
import { byteArrayConverter } from '../../shared/converters/byte-array-converter.ts';
import { stringConverter, stringHeaderConverter } from '../../shared/converters/string-converter.ts';
import type { ClusterAdmin, KafkaClients } from '../../shared/kafka/ports.ts';
import { runConnector } from '../../shared/runtime/connector-run.ts';
import { Delivery } from '../../shared/runtime/delivery.ts';
import type { RuntimePorts } from '../../shared/runtime/ports.ts';
import { RunControl } from '../../shared/runtime/run-control.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { Worker } from '../../shared/runtime/worker.ts';
import type { ConnectorSpec, TaskItem } from '../../shared/storage/ports.ts';
import { createMemoryStorage } from '../simulation/memory-storage.ts';

/** The machine's clock, set forward by the test. */
class ShiftedClock {
  shift = 0;
  now = () => systemClock.now() + this.shift;
  sleep = systemClock.sleep;
  nextTurn = systemClock.nextTurn;
}

/** What tasks were started with. */
const seen: string[] = [];

class IdleTask extends SinkTask {
  override put(): void {}
}

/** Asks to be polled again while its password is refused, as a source whose database cannot be logged in to. */
class RefusedTask extends SourceTask {
  readonly #password: string;
  constructor(password: string) {
    super();
    this.#password = password;
  }
  override poll(): null {
    if (this.#password !== 'second') throw new RetriableException('The password was refused');
    return null;
  }
}

let secret: string | Error;
let reads: { params: Readonly<Record<string, string>>; path: string }[];
const vault: ConfigProviderDefinition = {
  kind: 'config_provider',
  className: 'Vault',
  version: '1',
  overview: '',
  config: configDef({ 'allowed.prefixes': string({ default: null, importance: 'LOW', doc: '' }) }),
  create: (params) => ({
    get: async (path, keys) => {
      reads.push({ params, path });
      if (secret instanceof Error) throw secret;
      return { data: Object.fromEntries([...keys].map((key) => [key, key === 'class' ? byteArrayConverter.className : (secret as string)])), ttlMs: 60_000 };
    },
  }),
};

const plugins = new Plugins([
  vault,
  stringConverter,
  stringHeaderConverter,
  byteArrayConverter,
  defineSinkConnector({
    className: 'x.PasswordSinkConnector',
    version: '1',
    overview: '',
    config: configDef({ password: string({ default: '', importance: 'HIGH', doc: '' }), port: int({ default: 0, importance: 'HIGH', doc: '' }) }),
    taskConfigs: (context) => replicate(context),
    createTask: async ({ password }) => {
      seen.push(password);
      return new IdleTask();
    },
  }),
  defineSourceConnector({
    className: 'x.RefusedSourceConnector',
    version: '1',
    overview: '',
    config: configDef({ password: string({ default: '', importance: 'HIGH', doc: '' }) }),
    taskConfigs: (context) => replicate(context),
    createTask: async ({ password }) => {
      seen.push(password);
      return new RefusedTask(password);
    },
  }),
]);

describe('secrets', () => {
  let clock: ShiftedClock;
  let ports: RuntimePorts;
  let delivery: Delivery;
  const invocation = (id: string) => ({ id, deadlineAt: clock.now() + 1_000, expiresAt: clock.now() + 20_000, shutdown: new AbortController().signal });
  const deliver = (offset: bigint) => {
    const record = { offset, timestamp: 1, timestampType: 'CreateTime' as const, key: null, value: Buffer.from('v'), headers: [] };
    return delivery.deliver([{ topic: 'orders', partition: 0, records: [record], nextOffset: offset + 1n }], invocation(`d${offset}`));
  };

  const put = async (changes: Record<string, string>) => {
    const expected = (await ports.storage.connectors.get('sink')) as ConnectorSpec;
    const spec = await ports.storage.connectors.update(expected, { config: { ...expected.config, ...changes }, newGeneration: true });
    await runConnector(ports, { kind: 'connector', connector: 'sink', generation: spec?.generation ?? 0 }, invocation('plan again'));
  };

  beforeEach(async () => {
    clock = new ShiftedClock();
    seen.length = 0;
    reads = [];
    secret = 'first';
    const admin: Partial<ClusterAdmin> = {
      partitionCounts: async () => new Map([['orders', 1]]),
      groupOffsets: async () => new Map(),
      commitGroupOffsets: async () => {},
    };
    const text = 'org.apache.kafka.connect.storage.StringConverter';
    ports = {
      storage: createMemoryStorage(clock),
      kafka: { admin: () => admin, producer: () => ({ flush: async () => {}, close: async () => {} }) } as unknown as KafkaClients,
      plugins,
      logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
      clock,
      worker: {
        'config.providers': 'vault',
        'config.providers.vault.class': 'Vault',
        'sluice.secrets.allowed.prefixes': 'orders/',
        'key.converter': text,
        'value.converter': '${vault:worker:class}',
        'header.converter': text,
        'consumer.sasl.jaas.config': '${vault:kafka:login}',
      },
      workerId: 'w',
      metrics: { add() {} },
      failures: { send: async () => {} },
      invoker: { invoke: async () => {} },
    };
    const config = {
      name: 'sink',
      'connector.class': 'x.PasswordSinkConnector',
      topics: 'orders',
      'sluice.trigger': 'event',
      password: '${vault:orders/db:password}',
    };
    const spec = await ports.storage.connectors.create({ name: 'sink', type: 'sink', config, targetState: 'STARTED' });
    await runConnector(ports, { kind: 'connector', connector: 'sink', generation: spec?.generation ?? 0 }, invocation('plan'));
    delivery = new Delivery(ports, 'sink');
    reads = [];
  });

  test('are read within a run, the worker’s own beside them, and those of connections are left to them', async () => {
    await deliver(0n);
    expect(seen).toEqual(['first']);
    expect(reads.map(({ path }) => path).sort()).toEqual(['orders/db', 'orders/db', 'worker']);
    expect(new Set(reads.map(({ path, params }) => `${path} ${params['allowed.prefixes']}`))).toEqual(new Set(['orders/db orders/', 'worker undefined']));
    const stored = JSON.stringify([await ports.storage.connectors.snapshot('sink')], (_, value) => (typeof value === 'bigint' ? String(value) : value));
    expect(stored).toContain('vault:orders/db:password');
    expect(stored).not.toContain('first');
  });

  test('are kept while a warm task may have them, and read again when their time is over', async () => {
    await deliver(0n);
    secret = 'second';
    await deliver(1n);
    expect(seen).toEqual(['first']);
    clock.shift += 60_000;
    await deliver(2n);
    expect(seen).toEqual(['first', 'second']);
  });

  test('are kept beyond it where the connector says so', async () => {
    await put({ 'config.action.reload': 'none' });
    await deliver(0n);
    secret = 'second';
    clock.shift += 60_000;
    await deliver(1n);
    expect(seen).toEqual(['first']);
  });

  test('end a run when their time is over, so that the next one reads them', async () => {
    const task = (await ports.storage.control.task('sink', 0)) as TaskItem;
    const control = new RunControl({
      clock: systemClock,
      topicResets: 0,
      deadlineAt: systemClock.now() + 600_000,
      shutdown: new AbortController().signal,
      task,
      intervalMs: 5,
      marks: async () => null as never,
    });
    control.endBy(systemClock.now());
    await new Promise((resolve) => control.signal.addEventListener('abort', resolve));
    expect(control.reason).toBe('deadline');
  });

  test('are read again after a source could not poll with them', async () => {
    const config = { name: 'source', 'connector.class': 'x.RefusedSourceConnector', 'sluice.idle.linger.ms': '0', password: '${vault:orders/db:password}' };
    const spec = (await ports.storage.connectors.create({ name: 'source', type: 'source', config, targetState: 'STARTED' })) as ConnectorSpec;
    await runConnector(ports, { kind: 'connector', connector: 'source', generation: spec.generation }, invocation('plan source'));
    const worker = new Worker(ports);
    const run = async (id: string) => {
      const task = (await ports.storage.control.task('source', 0)) as TaskItem;
      return worker.run({ kind: 'task', connector: 'source', task: 0, generation: task.generation }, invocation(id));
    };
    expect((await run('r1')).outcome).not.toBe('failed');
    expect((await ports.storage.control.task('source', 0))?.trace).toBeNull();
    secret = 'second';
    await run('r2');
    await run('r3');
    expect(seen).toEqual(['first', 'second']);
  });

  test('are in no trace, whatever a plugin says about them', async () => {
    secret = 'hunter2hunter2';
    await put({ password: '', port: '${vault:orders/db:port}' });
    const trace = (await ports.storage.connectors.snapshot('sink'))?.status?.trace;
    expect(trace).toContain('Invalid value ${vault:orders/db:port} for configuration port');
    expect(trace).not.toContain('hunter2');
  });

  test('that cannot be read now postpone the run, and those that are wrong fail the task', async () => {
    secret = new RetriableException('The secret orders/db cannot be read now');
    await expect(deliver(0n)).rejects.toThrow(RetriableException);
    expect(await ports.storage.control.task('sink', 0)).toMatchObject({ state: 'RUNNING', circuit: { attempts: 1, error: secret.message } });
    clock.shift += 60_000;
    secret = new ConfigException('There is no secret orders/db');
    await expect(deliver(0n)).rejects.toThrow(RetriableException);
    await expect(deliver(0n)).rejects.toThrow('is FAILED');
    expect((await ports.storage.control.task('sink', 0))?.trace).toContain('There is no secret orders/db');
  });
});
