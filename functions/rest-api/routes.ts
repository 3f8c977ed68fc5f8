import type { ConfigNotes } from '../../shared/herder/config-notes.ts';
import { ConnectRestException } from '../../shared/herder/connect-rest-exception.ts';
import type { ConnectorInfo } from '../../shared/herder/entities.ts';
import type { Herder } from '../../shared/herder/herder.ts';
import { parseResetTarget } from '../../shared/herder/reset-target.ts';
import { unknownKeys } from '../../shared/herder/unknown-keys.ts';
import type { RestRequest, RestResponse } from './http.ts';
import { configBody, createConnectorBody, levelBody, offsetsBody, previewBody } from './json-body.ts';
import { noteHeaders } from './note-headers.ts';

/** What a route is given: the request, and the parameters of its path, decoded. */
export interface Call {
  readonly herder: Herder;
  readonly request: RestRequest;
  readonly parameters: Readonly<Record<string, string>>;
}

export type Route = (call: Call) => Promise<RestResponse> | RestResponse;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const ok = (body: unknown): RestResponse => ({ status: 200, body });
const accepted: RestResponse = { status: 202 };
const noContent: RestResponse = { status: 204 };
const created = (info: ConnectorInfo, notes: ConfigNotes): RestResponse => ({
  status: 201,
  body: info,
  headers: { location: locationOf(info.name), ...noteHeaders(notes) },
});

/** Kafka Connect's endpoints. */
export const routes: Readonly<Record<string, Partial<Record<Method, Route>>>> = {
  '/': {
    GET: async ({ herder }) => ok(await herder.serverInfo()),
  },
  '/health': {
    GET: async ({ herder }) => {
      const health = await herder.health();
      return { status: { healthy: 200, starting: 503, unhealthy: 500 }[health.status], body: health };
    },
  },
  '/connectors': {
    GET: async ({ herder, request: { query } }) =>
      ok(query.has('expand') ? await herder.expandedConnectors(query.getAll('expand')) : await herder.connectors()),
    POST: async ({ herder, request }) => {
      const { info, notes } = await herder.createConnector(createConnectorBody(request.body));
      return created(info, notes);
    },
  },
  '/connectors/:connector': {
    GET: async ({ herder, parameters }) => ok(await herder.connectorInfo(name(parameters))),
    DELETE: async ({ herder, parameters, request: { query } }) => {
      await herder.deleteConnector(name(parameters), { offsets: offsetsOnDelete(query) });
      return noContent;
    },
  },
  '/connectors/:connector/config': {
    GET: async ({ herder, parameters }) => ok(await herder.connectorConfig(name(parameters))),
    PUT: async ({ herder, parameters, request }) => {
      const { created: isNew, info, notes } = await herder.putConnectorConfig(name(parameters), configBody(request.body));
      return isNew ? created(info, notes) : { ...ok(info), headers: noteHeaders(notes) };
    },
    PATCH: async ({ herder, parameters, request }) => {
      // Without a body Kafka Connect looks for the connector first.
      if (/^\s*(?:null\s*)?$/.test(request.body)) await herder.connectorConfig(name(parameters));
      const { info, notes } = await herder.patchConnectorConfig(name(parameters), configBody(request.body));
      return { ...ok(info), headers: noteHeaders(notes) };
    },
  },
  '/connectors/:connector/status': {
    GET: async ({ herder, parameters }) => ok(await herder.connectorStatus(name(parameters))),
  },
  // Not of Kafka Connect.
  '/connectors/:connector/health': {
    GET: async ({ herder, parameters }) => ok(await herder.connectorHealth(name(parameters))),
  },
  '/connectors/:connector/topics': {
    GET: async ({ herder, parameters }) => ok(await herder.activeTopics(name(parameters))),
  },
  '/connectors/:connector/topics/reset': {
    PUT: async ({ herder, parameters }) => {
      await herder.resetActiveTopics(name(parameters));
      return accepted;
    },
  },
  '/connectors/:connector/restart': {
    POST: async ({ herder, parameters, request: { query } }) => {
      const includeTasks = flag(query, 'includeTasks', false);
      const onlyFailed = flag(query, 'onlyFailed', false);
      if (includeTasks || onlyFailed) return { status: 202, body: await herder.restartConnectorAndTasks(name(parameters), { includeTasks, onlyFailed }) };
      await herder.restartConnector(name(parameters));
      return noContent;
    },
  },
  '/connectors/:connector/pause': {
    PUT: async ({ herder, parameters }) => {
      await herder.pauseConnector(name(parameters));
      return accepted;
    },
  },
  '/connectors/:connector/resume': {
    PUT: async ({ herder, parameters }) => {
      await herder.resumeConnector(name(parameters));
      return accepted;
    },
  },
  '/connectors/:connector/stop': {
    PUT: async ({ herder, parameters }) => {
      await herder.stopConnector(name(parameters));
      return noContent;
    },
  },
  // Not of Kafka Connect, where a worker polls all the time.
  '/connectors/:connector/wake': {
    POST: async ({ herder, parameters }) => ({ status: 202, body: await herder.wakeConnector(name(parameters)) }),
  },
  '/connectors/:connector/tasks': {
    GET: async ({ herder, parameters }) => ok(await herder.taskConfigs(name(parameters))),
  },
  '/connectors/:connector/tasks/:task/status': {
    GET: async ({ herder, parameters }) => ok(await herder.taskStatus(name(parameters), taskNumber(parameters))),
  },
  '/connectors/:connector/tasks/:task/restart': {
    POST: async ({ herder, parameters }) => {
      await herder.restartTask(name(parameters), taskNumber(parameters));
      return noContent;
    },
  },
  '/connectors/:connector/offsets': {
    GET: async ({ herder, parameters }) => ok(await herder.connectorOffsets(name(parameters))),
    PATCH: async ({ herder, parameters, request }) => ok(await herder.alterConnectorOffsets(name(parameters), offsetsBody(request.body))),
    DELETE: async ({ herder, parameters }) => ok(await herder.resetConnectorOffsets(name(parameters))),
  },
  // Not of Kafka Connect.
  '/connectors/:connector/offsets/stored': {
    GET: async ({ herder, parameters }) => ok(await herder.storedOffsets(name(parameters))),
  },
  '/connectors/:connector/offsets/reset': {
    POST: async ({ herder, parameters, request: { query } }) =>
      ok(await herder.resetConnectorOffsetsTo(name(parameters), parseResetTarget(query.get('timestamp')))),
  },
  '/connector-plugins': {
    GET: ({ herder, request: { query } }) => ok(herder.plugins.list(flag(query, 'connectorsOnly', true))),
  },
  // Not of Kafka Connect.
  '/connector-plugins/preview': {
    POST: async ({ herder, request }) => ok(await herder.plugins.preview(previewBody(request.body))),
  },
  '/connector-plugins/:plugin/config': {
    GET: ({ herder, parameters, request: { query } }) => {
      const plugin = parameters['plugin'] as string;
      return { ...ok(herder.plugins.config(plugin, query.get('version'))), headers: deliveryHeader(herder.plugins.delivery(plugin)) };
    },
  },
  '/connector-plugins/:plugin/config/validate': {
    PUT: async ({ herder, parameters, request }) => {
      const config = configBody(request.body);
      const infos = await herder.plugins.validate(parameters['plugin'] as string, config);
      return { ...ok(infos), headers: noteHeaders({ unknownKeys: unknownKeys(config, infos) }) };
    },
  },
  '/admin/loggers': {
    GET: async ({ herder }) => ok(await herder.loggers.all()),
  },
  '/admin/loggers/:logger': {
    GET: async ({ herder, parameters }) => ok(await herder.loggers.level(parameters['logger'] as string)),
    PUT: async ({ herder, parameters, request }) => {
      const changed = await herder.loggers.setLevel(parameters['logger'] as string, levelBody(request.body));
      return request.query.get('scope')?.toLowerCase() === 'cluster' ? noContent : ok(changed);
    },
  },
};

function name(parameters: Readonly<Record<string, string>>): string {
  return parameters['connector'] as string;
}

/** A task that is no number is a path that does not exist. */
function taskNumber({ task = '' }: Readonly<Record<string, string>>): number {
  if (!/^[+-]?\d+$/.test(task)) throw new ConnectRestException(404, 'HTTP 404 Not Found');
  return Number(task);
}

/** `true` in any case is true, nothing at all is the default, everything else is false. */
function flag(query: URLSearchParams, parameter: string, fallback: boolean): boolean {
  const value = query.get(parameter) ?? '';
  return value === '' ? fallback : value.toLowerCase() === 'true';
}

/** Not of Kafka Connect, which always keeps them. */
function offsetsOnDelete(query: URLSearchParams): 'keep' | 'purge' {
  const value = query.get('offsets') ?? 'keep';
  if (value === 'keep' || value === 'purge') return value;
  throw new ConnectRestException(400, `Invalid value '${value}' of the query parameter 'offsets': expected keep or purge`);
}

/** The path of a connector, encoded as JAX-RS does: what may stand in a path stays, also a percent sign that looks like an encoding. */
function locationOf(connector: string): string {
  const encoded = encodeURIComponent(connector.toWellFormed()).replace(/%(24|26|2B|2C|2F|3A|3B|3D|40)/g, (each) => decodeURIComponent(each));
  return `/connectors/${encoded.replace(/%25(?=[0-9a-fA-F]{2})/g, '%')}`;
}

/** What a connector guarantees, beside an answer that is Kafka Connect's: `Sluice-Delivery: at-least-once; exactly-once when …`. */
function deliveryHeader(delivery: string | null): Record<string, string> {
  return delivery === null ? {} : { 'sluice-delivery': delivery };
}
