import type { ConfigDef, ConfigValue } from '../connect/config/config-def.ts';
import { type ConfigKeyInfo, configKeyInfo } from '../connect/config/config-key-info.ts';
import { type ConfigType, convertToString } from '../connect/config/parse-type.ts';
import type { ConfigInfo, ConfigInfos, ConfigValueInfo } from './entities.ts';

/** Puts definitions and checked values together (Kafka's `AbstractHerder.generateResult`). Of a name that comes twice the later definition and value count. */
export function generateResult(connectorClass: string, definitions: readonly ConfigDef[], values: readonly ConfigValue[]): ConfigInfos {
  const keys = new Map<string, ConfigKeyInfo>();
  for (const definition of definitions) for (const name of Object.keys(definition.keys)) keys.set(name, configKeyInfo(definition, name));
  const byName = new Map<string, ConfigValue>();
  const configs: ConfigInfo[] = [];
  let errors = 0;
  for (const value of values) {
    byName.set(value.name, value);
    if (keys.has(value.name)) continue;
    configs.push({ definition: null, value: convertConfigValue(value, undefined) });
    errors += value.errorMessages.length;
  }
  for (const [name, definition] of keys) {
    const value = byName.get(name);
    configs.push({ definition, value: value === undefined ? null : convertConfigValue(value, definition.type) });
    errors += value?.errorMessages.length ?? 0;
  }
  const groups = [...new Set(definitions.flatMap((definition) => definition.groups))];
  return { name: connectorClass, error_count: errors, groups, configs };
}

/** Values of a converter or client, under the prefix that they have in the connector's config. An entry counts as one error. */
export function prefixedConfigInfos(definition: ConfigDef, values: readonly ConfigValue[], prefix: string): ConfigInfos {
  const configs = values.map((value): ConfigInfo => {
    const known = Object.hasOwn(definition.keys, value.name);
    return {
      definition: known ? configKeyInfo(definition, value.name, prefix) : null,
      value: convertConfigValue({ ...value, name: prefix + value.name, visible: true }, definition.keys[value.name]?.type),
    };
  });
  const groups = [...new Set(values.flatMap(({ name }) => definition.keys[name]?.group ?? []))];
  return { name: '', error_count: values.filter(({ errorMessages }) => errorMessages.length > 0).length, groups, configs };
}

/** Several parts of one answer. */
export function mergeConfigInfos(connectorClass: string, parts: readonly (ConfigInfos | null)[]): ConfigInfos {
  const present = parts.filter((part) => part !== null);
  return {
    name: connectorClass,
    error_count: present.reduce((count, part) => count + part.error_count, 0),
    groups: [...new Set(present.flatMap(({ groups }) => groups))],
    configs: present.flatMap(({ configs }) => configs),
  };
}

function convertConfigValue({ name, value, recommendedValues, errorMessages, visible }: ConfigValue, type: ConfigType | undefined): ConfigValueInfo {
  return {
    name,
    value: convertToString(value, type),
    recommended_values: recommendedValues.map((each) => convertToString(each, type === 'LIST' ? 'STRING' : type)),
    errors: errorMessages,
    visible,
  };
}

/**
 * Names in the order in which a `java.util.HashMap` gives them: some answers of Kafka Connect are in this order, and
 * comparing answers is easier when ours are too.
 */
export function inHashOrder(names: readonly string[]): string[] {
  let capacity = 16;
  while (names.length > capacity * 0.75) capacity *= 2;
  const bucket = (name: string): number => {
    let hash = 0;
    for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
    return (hash ^ (hash >>> 16)) & (capacity - 1);
  };
  return names
    .map((name, index) => [bucket(name), index, name] as const)
    .sort((one, other) => one[0] - other[0] || one[1] - other[1])
    .map(([, , name]) => name);
}
