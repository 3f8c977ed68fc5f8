import { randomUUID } from 'node:crypto';
import type { Change, Condition, Projection } from './table.ts';

/** DynamoDB's expressions of conditions and changes. Every attribute goes by a placeholder, so that none collides with a reserved word. */
export class Expressions {
  readonly #names = new Map<string, string>();
  readonly #values: Record<string, unknown> = {};
  #count = 0;

  /** The parameters `ExpressionAttributeNames` and `ExpressionAttributeValues`, as far as there are any. */
  get placeholders(): { ExpressionAttributeNames?: Record<string, string>; ExpressionAttributeValues?: Record<string, unknown> } {
    const names = Object.fromEntries([...this.#names].map(([name, placeholder]) => [placeholder, name]));
    return {
      ...(this.#names.size > 0 ? { ExpressionAttributeNames: names } : {}),
      ...(this.#count > 0 ? { ExpressionAttributeValues: this.#values } : {}),
    };
  }

  name(attribute: string): string {
    const known = this.#names.get(attribute);
    if (known !== undefined) return known;
    const placeholder = `#${this.#names.size}`;
    this.#names.set(attribute, placeholder);
    return placeholder;
  }

  projection(attributes: readonly Projection[]): { ProjectionExpression: string } {
    return { ProjectionExpression: attributes.map((each) => (typeof each === 'string' ? [each] : each).map((part) => this.name(part)).join('.')).join(', ') };
  }

  value(value: unknown): string {
    const placeholder = `:${this.#count++}`;
    this.#values[placeholder] = value;
    return placeholder;
  }

  condition(when: readonly Condition[] | undefined): { ConditionExpression?: string } {
    return when === undefined || when.length === 0 ? {} : { ConditionExpression: when.map((each) => this.#one(each)).join(' AND ') };
  }

  #one(condition: Condition): string {
    if ('anyOf' in condition) return `(${condition.anyOf.map((each) => this.#one(each)).join(' OR ')})`;
    const name = this.name(condition.attribute);
    if ('value' in condition) return `${name} ${condition.is} ${this.value(condition.value)}`;
    return condition.is === 'present' ? `attribute_exists(${name})` : `attribute_not_exists(${name})`;
  }

  change({ set = {}, add = {}, remove = [], entries, wake = false }: Change): { UpdateExpression: string } {
    const sets = Object.entries({ ...set, ...(wake ? { wake: randomUUID() } : {}) }).map(([name, value]) => `${this.name(name)} = ${this.value(value)}`);
    if (entries !== undefined) {
      const map = this.name(entries.attribute);
      for (const [key, value] of Object.entries(entries.values)) sets.push(`${map}.${this.name(key)} = ${this.value(value)}`);
    }
    const adds = Object.entries(add).map(([name, value]) => `${this.name(name)} ${this.value(value)}`);
    const removes = [...remove, ...(wake ? [] : ['wake'])].map((name) => this.name(name));
    const clauses = [
      sets.length > 0 ? `SET ${sets.join(', ')}` : '',
      adds.length > 0 ? `ADD ${adds.join(', ')}` : '',
      removes.length > 0 ? `REMOVE ${removes.join(', ')}` : '',
    ];
    return { UpdateExpression: clauses.filter((clause) => clause !== '').join(' ') };
  }
}
