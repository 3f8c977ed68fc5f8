import type { ConfigDef } from './config-def.ts';
import type { ConfigType } from './parse-type.ts';

/** A declared key as the REST API tells it: `GET /connector-plugins/{plugin}/config`, and in validation answers. */
export interface ConfigKeyInfo {
  readonly name: string;
  readonly type: ConfigType;
  readonly required: boolean;
  readonly default_value: string | null;
  readonly importance: string;
  readonly documentation: string;
  readonly group: string | null;
  readonly order_in_group: number;
  readonly width: string;
  readonly display_name: string;
  readonly dependents: readonly string[];
}

/** One key of a definition. With a prefix the name gets it, and nothing else, as Kafka does for converters and clients. */
export function configKeyInfo(definition: ConfigDef, name: string, prefix = ''): ConfigKeyInfo {
  const declared = definition.keys[name];
  if (declared === undefined) throw new RangeError(`No key ${name} is declared`);
  return {
    name: prefix + name,
    type: declared.type,
    required: declared.required,
    default_value: definition.defaultText(name),
    importance: declared.importance,
    documentation: declared.doc,
    group: declared.group ?? null,
    order_in_group: definition.orderInGroup(name),
    width: declared.width ?? 'NONE',
    display_name: declared.displayName ?? name,
    dependents: declared.dependents ?? [],
  };
}

/** Every key of a definition, in order. */
export function configKeyInfos(definition: ConfigDef): ConfigKeyInfo[] {
  return Object.keys(definition.keys).map((name) => configKeyInfo(definition, name));
}
