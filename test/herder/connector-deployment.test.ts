import { beforeEach, expect, test } from 'vitest';
import { ConnectorDeployment, type DeclaredConnector } from '../../shared/herder/connector-deployment.ts';
import { linesConfig, restApi } from './rest.ts';

let api: ReturnType<typeof restApi>;
let deployment: ConnectorDeployment;
beforeEach(() => {
  api = restApi();
  deployment = new ConnectorDeployment({ herder: api.herder, connectors: api.table.storage.connectors, clock: api.clock });
});

const declared = (more: Partial<DeclaredConnector>): DeclaredConnector => ({ name: 'a', config: linesConfig, state: 'PAUSED', adopt: false, ...more });
const now = () => api.table.spec('a');

test('The state that is declared is what every deployment brings a connector to', async () => {
  await deployment.create(declared({}), 0);
  expect(now().targetState).toBe('PAUSED');
  await api.call('PUT', '/connectors/a/resume');
  await deployment.update(declared({ config: { ...linesConfig, topic: 't' } }), 0);
  expect(now()).toMatchObject({ targetState: 'PAUSED', config: { topic: 't' } });
  await deployment.update(declared({ state: 'STOPPED' }), 0);
  expect(now().targetState).toBe('STOPPED');
});

test('An initial state is for the connector that is created; then it is as its users left it', async () => {
  await deployment.create(declared({ onlyInitially: true }), 0);
  expect(now().targetState).toBe('PAUSED');
  await api.call('PUT', '/connectors/a/stop');
  await deployment.update(declared({ onlyInitially: true, config: { ...linesConfig, topic: 't' } }), 0);
  expect(now()).toMatchObject({ targetState: 'STOPPED', config: { topic: 't' } });
  // One that runs is waited for, as always.
  await api.call('PUT', '/connectors/a/resume');
  await expect(deployment.update(declared({ onlyInitially: true, config: { ...linesConfig, topic: 'u' } }), 0)).rejects.toThrow('Connector a does not run');
  expect(now().targetState).toBe('STARTED');
});
