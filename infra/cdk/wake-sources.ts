import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type EventPattern, type IEventBus, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** Something outside that tells a source with `sluice.trigger=event` that there is work. What the event says is not used: the source looks by itself. */
export type WakeSource =
  /** Objects made in a bucket whose events go to EventBridge (`bucket.enableEventBridgeNotification()`). */
  | { readonly kind: 'bucket'; readonly bucket: IBucket; readonly prefix?: string; readonly suffix?: string }
  /** Messages of a queue that is there for this alone: they are taken out of it. */
  | { readonly kind: 'queue'; readonly queue: IQueue }
  /** Changes of a table that has a stream. */
  | { readonly kind: 'table'; readonly table: ITable }
  /** Any other event of EventBridge. */
  | { readonly kind: 'event'; readonly pattern: EventPattern; readonly eventBus?: IEventBus };

export interface WakeSourcesProps {
  readonly connector: string;
  /** The controller of its cluster. */
  readonly controller: LambdaFn;
  readonly sources: readonly WakeSource[];
}

/** Rules and pipes from events to the controller, which starts the connector's tasks. */
export class WakeSources extends Construct {
  readonly #controller: LambdaFn;
  readonly #event: { readonly kind: 'wake'; readonly connector: string };

  constructor(scope: Construct, id: string, { connector, controller, sources }: WakeSourcesProps) {
    super(scope, id);
    this.#controller = controller;
    this.#event = { kind: 'wake', connector };
    for (const [index, source] of sources.entries()) this.#wakeOn(`${source.kind}${index}`, source);
  }

  #wakeOn(id: string, source: WakeSource): void {
    if (source.kind === 'queue') this.#pipe(id, source.queue.queueArn, {}, (role) => source.queue.grantConsumeMessages(role));
    else if (source.kind === 'table')
      this.#pipe(id, streamOf(this, source.table), { dynamoDbStreamParameters: { startingPosition: 'LATEST', maximumRetryAttempts: 3 } }, (role) =>
        source.table.grantStreamRead(role),
      );
    else {
      const { pattern, eventBus } = source.kind === 'event' ? source : { pattern: objectCreated(source), eventBus: undefined };
      const target = new LambdaFunction(this.#controller, { event: RuleTargetInput.fromObject(this.#event) });
      new Rule(this, id, { eventPattern: pattern, targets: [target], ...(eventBus ? { eventBus } : {}) });
    }
  }

  #pipe(id: string, source: string, sourceParameters: CfnPipe.PipeSourceParametersProperty, grant: (role: Role) => void): void {
    const role = new Role(this, `${id}Role`, {
      assumedBy: new ServicePrincipal('pipes.amazonaws.com'),
      description: `Events for connector ${this.#event.connector}`,
    });
    grant(role);
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.#controller.functionArn] }));
    const pipe = new CfnPipe(this, id, {
      roleArn: role.roleArn,
      source,
      sourceParameters,
      target: this.#controller.functionArn,
      targetParameters: { inputTemplate: JSON.stringify(this.#event), lambdaFunctionParameters: { invocationType: 'REQUEST_RESPONSE' } },
    });
    // A pipe is made only when its role may read already.
    pipe.node.addDependency(role);
  }
}

function objectCreated({ bucket, prefix, suffix }: Extract<WakeSource, { kind: 'bucket' }>): EventPattern {
  const whole = (prefix ?? '') + (suffix ?? '');
  // Matchers of a list are alternatives: a key that must begin and end in a certain way is a wildcard's.
  const escaped = (text: string) => text.replaceAll(/[*\\]/g, (character) => `\\${character}`);
  const key = { wildcard: `${escaped(prefix ?? '')}*${escaped(suffix ?? '')}` };
  return {
    source: ['aws.s3'],
    detailType: ['Object Created'],
    detail: { bucket: { name: [bucket.bucketName] }, ...(whole === '' ? {} : { object: { key: [key] } }) },
  };
}

function streamOf(scope: Construct, table: ITable): string {
  if (table.tableStreamArn === undefined) throw new Error(`${scope.node.path}: the table ${table.node.path} has no stream: set stream on it`);
  return table.tableStreamArn;
}
