import type { PluginDefinition } from './connect/index.ts';

/** Plugins of your own: import their definitions here and add them to the list. */
export const externalPlugins: PluginDefinition[] = [];
