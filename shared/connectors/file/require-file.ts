import type { ConnectorValidation } from '../../connect/index.ts';

/** Kafka's file connectors use standard input and output without `file`; a function has neither. */
export function requireFile({ rawConfig, value }: Pick<ConnectorValidation<unknown>, 'rawConfig' | 'value'>): void {
  if (rawConfig['file']?.trim()) return;
  value('file').errorMessages.push('Invalid value null for configuration file: a path is needed, because a function has no standard input or output');
}
