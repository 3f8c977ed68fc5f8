import {
  ConnectException,
  configDef,
  defineSinkConnector,
  defineSourceConnector,
  int,
  keyOrValueTransformation,
  nonEmptyString,
  type PluginDefinition,
  Plugins,
  password,
  predicate,
  recordTransformation,
  replicate,
  string,
} from '../../shared/connect/index.ts';

const notRun = () => {
  throw new ConnectException('The herder runs no tasks');
};

const lines = defineSourceConnector({
  className: 'example.LinesSourceConnector',
  version: '1.2.0',
  overview: 'Reads lines.',
  config: configDef({
    topic: string({ importance: 'HIGH', doc: 'Where lines go.', validator: nonEmptyString }),
    'batch.size': int({ default: 100, importance: 'LOW', doc: 'Lines at once.' }),
    secret: password({ default: null, importance: 'LOW', doc: 'A password.' }),
  }),
  validate({ config, value }) {
    if (config?.['batch.size'] === 13) value('batch.size').errorMessages.push('13 brings bad luck');
  },
  taskConfigs: (context) => replicate(context),
  createTask: notRun,
  exactlyOnceSupport: () => 'SUPPORTED',
  alterOffsets(_config, offsets) {
    if (offsets.some(({ offset }) => offset !== null && !('line' in offset))) throw new ConnectException("Offset objects should contain the key 'line'");
    return true;
  },
});

const shelf = defineSinkConnector({
  className: 'example.ShelfSinkConnector',
  version: '2.0.0',
  overview: 'Keeps records.',
  config: configDef({ shelf: string({ default: 'top', importance: 'HIGH', doc: 'Where they are kept.' }) }),
  taskConfigs: (context) => replicate(context),
  createTask: notRun,
});

const text = configDef({
  'converter.type': string({ importance: 'LOW', doc: 'key or value' }),
  encoding: string({ default: 'UTF-8', importance: 'LOW', doc: 'Encoding.' }),
});

const definitions: readonly PluginDefinition[] = [
  lines,
  shelf,
  { kind: 'converter', className: 'example.TextConverter', version: '3.0.0', overview: 'Texts.', config: text, create: notRun },
  { kind: 'header_converter', className: 'example.TextConverter', version: '3.0.0', overview: 'Texts.', config: text, create: notRun },
  ...keyOrValueTransformation({
    className: 'example.Wrap',
    version: '1.0.0',
    overview: 'Wraps.',
    config: configDef({ zone: string({ default: '', importance: 'LOW', doc: 'Zone.' }), field: string({ importance: 'MEDIUM', doc: 'Name of the field.' }) }),
    create: () => (side) => side,
  }),
  recordTransformation({ className: 'example.Drop', version: '1.0.0', overview: 'Drops.', config: configDef({}), create: () => () => null }),
  predicate({ className: 'example.IsEmpty', version: '1.0.0', overview: 'Empty?', config: configDef({}), create: () => () => true }),
];

/** One of each kind, to be named in configs. */
export const testPlugins = new Plugins(definitions);
