import { readFileSync } from 'node:fs';
import { CustomResource, Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type Function as LambdaFn, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { sinkTopics } from '../../shared/connect/config/framework/sink-connector-config.ts';
import { offlineErrors } from '../../shared/herder/offline-errors.ts';
import { plugins } from '../../shared/plugins.ts';
import { parseConnectorFile } from '../local/spec-files.ts';
import { ConnectorAlarms } from './alarms.ts';
import type { ConnectCluster, SinkEventsOptions } from './connect-cluster.ts';
import { type WakeSource, WakeSources } from './wake-sources.ts';

export interface ConnectorProps {
  readonly cluster: ConnectCluster;
  /** The connector's name. Default: the `name` of the config or file, or else the id of the construct. */
  readonly connectorName?: string;
  /** Kafka Connect's config. Secrets are references to config providers, never values. This or `file`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** A spec file: JSON in both of Kafka Connect's forms, or `.properties`. */
  readonly file?: string;
  /**
   * The state that every deployment brings it to. Default: STARTED, and then the deployment waits until it runs; where the file has an
   * `initial_state`, that one for a connector that is created, and then what its users make of it.
   */
  readonly state?: 'STARTED' | 'PAUSED' | 'STOPPED';
  /** Take over a connector of this name that was made by REST, with its offsets. Default: false, the deployment fails. */
  readonly adopt?: boolean;
  /** Keys that no definition knows are likely mistyped. `ignore`: they are left to the connector, as Kafka Connect does. Default: fail. */
  readonly unknownKeys?: 'fail' | 'ignore';
  /** How long it may take to run. Default: 5 minutes; 14 at most. */
  readonly timeout?: Duration;
  /** RETAIN: the connector goes on when it leaves the stack. Default: it is deleted. */
  readonly removalPolicy?: RemovalPolicy;
  /** What tells a source with `sluice.trigger=event` that there is work. A `sluice.schedule` beside it is the longest that it waits. */
  readonly wakeOn?: readonly WakeSource[];
  /** How the records of a sink with `sluice.trigger=event` are delivered. */
  readonly delivery?: Omit<SinkEventsOptions, 'topics'>;
  /** Told of this connector's alarms. Default: the topic of the cluster's alarms. */
  readonly alarmTopic?: ITopic;
}

/**
 * A connector that belongs to a stack: created, changed and deleted with it. Its config is checked when the stack is synthesized, by
 * the plugins' own definitions; a deployment waits until its tasks run, and rolls back with the trace when they fail.
 */
export class Connector extends Construct {
  readonly connectorName: string;
  readonly config: Readonly<Record<string, string>>;
  /** The function that its records are delivered to, of an event-triggered sink. */
  readonly sinkEvents: LambdaFn | null;

  /** Throws Error when there is neither config nor file, or the file cannot be read. A wrong config is an error of the synthesis. */
  constructor(scope: Construct, id: string, props: ConnectorProps) {
    super(scope, id);
    const { cluster, timeout = Duration.minutes(5), adopt = false } = props;
    const { given, initialState } = this.#given(props);
    this.connectorName = props.connectorName ?? given['name'] ?? id;
    this.config = { ...given, name: this.connectorName };
    const unknown = props.unknownKeys ?? 'fail';
    const checks = { plugins, worker: cluster.worker, unknown, hint: "unknownKeys: 'ignore' leaves it to the connector" };
    this.node.addValidation({ validate: () => offlineErrors(this.connectorName, this.config, checks) });
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: cluster.connectorResource.functionArn,
      resourceType: 'Custom::KafkaConnector',
      properties: { Name: this.connectorName, Config: this.config, ...stateOf(props.state, initialState), Adopt: adopt, TimeoutSeconds: timeout.toSeconds() },
      ...(props.removalPolicy ? { removalPolicy: props.removalPolicy } : {}),
    });
    // A connector can only run, and only be deleted, while everything else of the cluster is there.
    resource.node.addDependency(cluster);
    const kind = kindOf(this.config);
    const topic = props.alarmTopic ?? cluster.alarmTopic;
    this.sinkEvents = this.#triggers(kind, props);
    if (kind !== null) new ConnectorAlarms(this, 'Alarms', { connector: this.connectorName, kind, metrics: cluster.metrics, ...(topic ? { topic } : {}) });
  }

  #triggers(kind: 'source' | 'sink' | null, { cluster, wakeOn = [], delivery }: ConnectorProps): LambdaFn | null {
    const wrong = (why: string) => this.node.addValidation({ validate: () => [`Connector ${this.connectorName}, ${why}`] });
    const byEvent = this.config['sluice.trigger'] === 'event';
    if (!byEvent || kind !== 'source') {
      if (wakeOn.length > 0) wrong("wakeOn: only for a source with 'sluice.trigger': 'event'");
    } else if (wakeOn.length > 0) {
      new WakeSources(this, 'Wake', { connector: this.connectorName, controller: cluster.functions.controller, sources: wakeOn });
    }
    if (!byEvent || kind !== 'sink') {
      if (delivery !== undefined) wrong("delivery: only for a sink with 'sluice.trigger': 'event'");
      return null;
    }
    const topics = sinkTopics(this.config);
    if (topics.length === 0) {
      wrong('topics: an event source mapping needs the names of topics, a pattern (topics.regex) will not do');
      return null;
    }
    const latest = this.config['consumer.override.auto.offset.reset'] === 'latest';
    return cluster.sinkEvents(this.connectorName, { topics, ...(latest ? { startingPosition: StartingPosition.LATEST } : {}), ...delivery });
  }

  #given({ config, file }: ConnectorProps): { readonly given: Readonly<Record<string, string>>; readonly initialState: string | null } {
    if ((config === undefined) === (file === undefined)) throw new Error(`${this.node.path}: a connector needs either config or file`);
    if (config !== undefined) return { given: Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)])), initialState: null };
    const { name, config: read, initialState } = parseConnectorFile(file as string, readFileSync(file as string, 'utf8'));
    return { given: { ...read, name }, initialState };
  }
}

function stateOf(state: ConnectorProps['state'], initialState: string | null): Readonly<Record<string, string>> {
  if (state !== undefined || initialState === null) return { State: state ?? 'STARTED' };
  return { InitialState: initialState === 'RUNNING' ? 'STARTED' : initialState };
}

function kindOf(config: Readonly<Record<string, string>>): 'source' | 'sink' | null {
  try {
    return plugins.connector(config['connector.class'] ?? '').kind;
  } catch {
    return null;
  }
}
