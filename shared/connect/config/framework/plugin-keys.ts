import { ConfigException } from '../../errors.ts';
import type { PluginKind, Plugins } from '../../plugins.ts';
import { versionRequirement } from '../../version-range.ts';
import type { Recommender } from '../config-def.ts';
import { javaTrim } from '../parse-type.ts';
import { type Validator, validator } from '../validators.ts';

/** Reads a class name as Java does where it loads the class: an alias becomes the full name, an unknown one is an error. */
export function classParser(plugins: Plugins): (name: string, text: string) => string {
  return (name, text) => {
    const known = plugins.classOf(javaTrim(text));
    if (known === undefined) throw ConfigException.forValue(name, text, `Class ${text} could not be found.`);
    return known.className;
  };
}

/** Throws ConfigException unless the class is a plugin of this kind that can be made. */
export function ensureConcreteSubclass(plugins: Plugins, kind: PluginKind, javaInterface: string, className: string): void {
  const known = plugins.classOf(className);
  if (known === undefined || !known.kinds.has(kind)) throw new ConfigException(`Class class ${className} does not implement the ${javaInterface} interface`);
  if (known.subclasses.length > 0) throw new ConfigException(`This class is abstract and cannot be created. Did you mean ${known.subclasses.join(', ')}?`);
}

/** The validator of `key.converter` and its like. Null passes: the class was not found, which is told already. */
export function converterClass(plugins: Plugins, kind: 'converter' | 'header_converter', javaInterface: string): Validator {
  return validator(
    `A concrete subclass of org.apache.kafka.connect.storage.${javaInterface}, A class with a public, no-argument constructor`,
    (_name, value) => {
      if (typeof value === 'string') ensureConcreteSubclass(plugins, kind, javaInterface, value);
    },
  );
}

/** The validator of `…plugin.version` keys. */
export const pluginVersion: Validator = validator('', (_name, value) => {
  versionRequirement(value as string | null);
});

/** Recommends every class of these kinds. */
export function classesOf(plugins: Plugins, kind: PluginKind): Recommender {
  return { validValues: () => plugins.ofKind(kind).map(({ className }) => className), visible: () => true };
}

/** Recommends the version of the plugin that another key names. */
export function versionOf(plugins: Plugins, kinds: readonly PluginKind[], classKey: string, options: { alwaysVisible?: boolean } = {}): Recommender {
  return {
    validValues(_name, config) {
      const named = config[classKey];
      if (typeof named !== 'string') return [];
      return kinds.flatMap((kind) => plugins.find(kind, named)?.version ?? []).slice(0, 1);
    },
    visible: (_name, config) => options.alwaysVisible === true || (config[classKey] ?? null) !== null,
  };
}
