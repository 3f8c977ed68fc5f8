import { configProviders } from './config-providers/index.ts';
import { Plugins } from './connect/index.ts';
import { connectors } from './connectors/index.ts';
import { converters, headerConverters } from './converters/index.ts';
import { externalPlugins } from './external-plugins.ts';
import { predicates } from './predicates/index.ts';
import { transformations } from './transforms/index.ts';

/** Everything that a cluster can run: the plugins that ship with Sluice, and those of `external-plugins.ts`. */
export const plugins = new Plugins([
  ...connectors,
  ...converters,
  ...headerConverters,
  ...transformations,
  ...predicates,
  ...configProviders,
  ...externalPlugins,
]);
