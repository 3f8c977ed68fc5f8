import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { ConnectException } from '../../shared/connect/errors.ts';
import { ConnectorDeployment, type DeclaredConnector } from '../../shared/herder/connector-deployment.ts';
import { Herder } from '../../shared/herder/herder.ts';
import type { TargetState } from '../../shared/storage/ports.ts';
import { createEnvironment } from '../wiring.ts';
import { type ResourceEvent, type ResourceResult, respond } from './cloudformation.ts';

/** Kept back from the time of an invocation to tell CloudFormation. */
const reserveMs = 15_000;
/** The physical id of a resource that was never made: nothing is deleted for it when the stack rolls back. */
const neverMade = 'not-created:';

const environment = createEnvironment(process.env);
const deployment = new ConnectorDeployment({ herder: new Herder(environment), connectors: environment.storage.connectors, clock: environment.clock });

/** A `Connector` of a stack: created, changed and deleted with it. */
export const handler = middy<ResourceEvent, void, Error, Context>({ timeoutEarlyInMillis: 0 }).handler(async (event, context) => {
  const result = await apply(event, environment.clock.now() + context.getRemainingTimeInMillis() - reserveMs);
  if (result.status === 'FAILED') environment.logger.error('A connector could not be deployed', { resource: event.LogicalResourceId, reason: result.reason });
  await respond(event, result);
});

async function apply(event: ResourceEvent, deadlineAt: number): Promise<ResourceResult> {
  const physicalResourceId = event.PhysicalResourceId ?? `${neverMade}${event.LogicalResourceId}`;
  try {
    if (event.RequestType === 'Delete') {
      if (!physicalResourceId.startsWith(neverMade)) await deployment.delete(physicalResourceId);
      return { status: 'SUCCESS', physicalResourceId };
    }
    const declared = declaredOf(event.ResourceProperties);
    const limit = Math.min(deadlineAt, environment.clock.now() + Number(event.ResourceProperties['TimeoutSeconds'] ?? 300) * 1000);
    // Another name is another connector: CloudFormation deletes the old one when all went well.
    const isNew = event.RequestType === 'Create' || event.PhysicalResourceId !== declared.name;
    if (isNew) await deployment.create(declared, limit);
    else await deployment.update(declared, limit);
    return { status: 'SUCCESS', physicalResourceId: declared.name };
  } catch (error) {
    const made = event.RequestType === 'Create' && error instanceof ConnectException && (await madeByUs(event));
    const reason = error instanceof Error ? error.message : String(error);
    return { status: 'FAILED', reason, physicalResourceId: made ? String(event.ResourceProperties['Name']) : physicalResourceId };
  }
}

/** True when the connector of a failed creation is there with the config that was to be created: rolling back deletes it. */
async function madeByUs(event: ResourceEvent): Promise<boolean> {
  const { name, config } = declaredOf(event.ResourceProperties);
  const spec = await environment.storage.connectors.get(name).catch(() => null);
  return spec !== null && Object.entries(config).every(([key, value]) => spec.config[key] === value);
}

function declaredOf(properties: Readonly<Record<string, unknown>>): DeclaredConnector {
  const { Name, Config, State, InitialState, Adopt } = properties;
  if (typeof Name !== 'string' || typeof Config !== 'object' || Config === null) throw new ConnectException('The resource needs Name and Config');
  // CloudFormation makes texts of numbers and booleans.
  const config = Object.fromEntries(Object.entries(Config).map(([key, value]) => [key, String(value)]));
  const state = (State ?? InitialState ?? 'STARTED') as TargetState;
  return { name: Name, config, state, onlyInitially: State === undefined && InitialState !== undefined, adopt: String(Adopt) === 'true' };
}
