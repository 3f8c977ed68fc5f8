import type { Plugins } from '../connect/plugins.ts';
import { ConnectorValidator } from './connector-validator.ts';
import { unknownKeys } from './unknown-keys.ts';

export interface OfflineErrorsOptions {
  readonly plugins: Plugins;
  readonly worker: Readonly<Record<string, string>>;
  /** Keys that no definition knows: `fail`, or `ignore`, which leaves them to the connector as Kafka Connect does; `hint` says how that is done. */
  readonly unknown: 'fail' | 'ignore';
  readonly hint?: string;
}

/** What is wrong with a config, without asking anything that it names: a line for each key, with what it is and what would be right. */
export function offlineErrors(name: string, config: Readonly<Record<string, string>>, { plugins, worker, unknown, hint }: OfflineErrorsOptions): string[] {
  try {
    const infos = new ConnectorValidator({ plugins, worker }).validateOffline(config);
    const wrong = infos.configs.flatMap(({ value }) =>
      value === null ? [] : value.errors.map((error) => `Connector ${name}, ${value.name}: ${error}${choices(value.recommended_values)}`),
    );
    const nobody = unknown === 'ignore' ? [] : unknownKeys(config, infos);
    const how = hint === undefined ? '' : ` (${hint})`;
    const unheard = nobody.map(
      ({ key, suggestion }) => `Connector ${name}, ${key}: there is no such key${suggestion === null ? '' : `; did you mean ${suggestion}?`}${how}`,
    );
    return [...wrong, ...unheard];
  } catch (error) {
    return [`Connector ${name}: ${(error as Error).message}`];
  }
}

/** What would be right, where that is a list. */
function choices(values: readonly unknown[]): string {
  return values.length === 0 ? '' : ` (one of ${values.join(', ')})`;
}
