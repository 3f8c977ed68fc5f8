import { type Field, Schema } from '../../connect/index.ts';

/**
 * A struct's schema within itself: it has all that the struct has, but for `optional`. The struct becomes known when it is
 * complete, after this was made. Code that walks a whole schema never ends on it, as in Java.
 */
export class CyclicSchema extends Schema {
  readonly target: () => Schema;

  /** `parameters`: more than those of the struct. */
  constructor(target: () => Schema, optional: boolean, parameters: Readonly<Record<string, string>> | null = null) {
    super({ type: 'STRUCT', optional });
    this.target = target;
    Object.defineProperty(this, 'parameters', {
      get: () => (parameters === null ? target().parameters : { ...target().parameters, ...parameters }),
      enumerable: true,
      configurable: true,
    });
    for (const name of ['name', 'version', 'doc', 'defaultValue', 'fields'] as const) {
      Object.defineProperty(this, name, { get: () => target()[name], enumerable: true, configurable: true });
    }
  }

  override field(name: string): Field | undefined {
    return this.target().field(name);
  }
}
