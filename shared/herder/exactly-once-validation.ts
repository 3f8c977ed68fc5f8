import type { ConfigValue } from '../connect/config/config-def.ts';
import type { SourceConnectorDefinition } from '../connect/connector.ts';
import { allowsExactlyOnceSources } from '../runtime/exactly-once/source-support.ts';

type Worker = Readonly<Record<string, string>>;

/** The preflight check of `exactly.once.support=required` (`DistributedHerder.validateSourceConnectorExactlyOnceSupport`). */
export function validateExactlyOnceSupport(value: ConfigValue, connector: SourceConnectorDefinition, config: Worker, worker: Worker): void {
  if (value.errorMessages.length > 0 || String(value.value).toUpperCase() !== 'REQUIRED') return;
  if (!allowsExactlyOnceSources(worker)) value.errorMessages.push('This worker does not have exactly-once source support enabled.');
  guarded(value, () => {
    const answer: string | null = connector.exactlyOnceSupport?.(config) ?? null;
    if (answer === 'SUPPORTED') return;
    if (answer === null)
      value.errorMessages.push(
        'The connector does not implement the API required for preflight validation of exactly-once source support. Please consult the documentation for the connector to determine whether it supports exactly-once semantics, and then consider reconfiguring the connector to use the value "requested" for this property (which will disable this preflight check and allow the connector to be created).',
      );
    else if (answer === 'UNSUPPORTED') value.errorMessages.push('The connector does not support exactly-once semantics with the provided configuration.');
    else throw new Error(`Unexpected value returned from SourceConnector::exactlyOnceSupport: ${answer}`);
  });
}

/** The one of `transaction.boundary=connector` (`DistributedHerder.validateSourceConnectorTransactionBoundary`). A connector that says nothing cannot. */
export function validateTransactionBoundary(value: ConfigValue, connector: SourceConnectorDefinition, config: Worker): void {
  if (value.errorMessages.length > 0 || String(value.value).toUpperCase() !== 'CONNECTOR') return;
  guarded(value, () => {
    const answer = connector.canDefineTransactionBoundaries === undefined ? 'UNSUPPORTED' : connector.canDefineTransactionBoundaries(config);
    if (answer === 'SUPPORTED') return;
    value.errorMessages.push(
      (answer ?? null) === null
        ? "This connector has returned a null value from its canDefineTransactionBoundaries method, which is not permitted. The connector will be treated as if it cannot define its own transaction boundaries, and cannot be configured with 'transaction.boundary' set to 'connector'."
        : 'The connector does not support connector-defined transaction boundaries with the given configuration. Please reconfigure it to use a different transaction boundary definition.',
    );
  });
}

function guarded(value: ConfigValue, check: () => void): void {
  try {
    check();
  } catch (error) {
    const message = (error as Error).message.trim();
    value.errorMessages.push(
      `An unexpected error occurred during validation${message === '' ? '; please see the worker logs for more details.' : `: ${message}`}`,
    );
  }
}
