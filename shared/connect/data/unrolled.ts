/**
 * Loops over the fields of a schema, unrolled into functions of their own: engines give the objects that these make one shape,
 * and see which function each field calls, so that they can put it in place. It is worth a half of what structs cost.
 *
 * Names of fields get into the text of a function as JSON texts and nowhere else. Beyond so many fields engines do not optimize
 * such functions, and a plain loop serves.
 */
const maxFields = 200;

type Compiled = (...parts: unknown[]) => unknown;

function compile(parameters: readonly string[], expression: string): Compiled {
  return new Function(...parameters, `'use strict'; return ${expression};`) as Compiled;
}

const parameter = (_: unknown, at: number): string => `p${at}`;

/** `__proto__` on its own would set the prototype. */
const property = (name: string): string => (name === '__proto__' ? '["__proto__"]' : JSON.stringify(name));

/** Makes objects with these fields, in this order: each value is what its part makes of the input. */
export function unrolledStruct<I>(names: readonly string[], parts: readonly ((input: I) => unknown)[]): (input: I) => Record<string, unknown> {
  if (names.length > maxFields) {
    return (input) => {
      const struct: Record<string, unknown> = {};
      for (let at = 0; at < names.length; at++) struct[names[at] as string] = (parts[at] as (input: I) => unknown)(input);
      return struct;
    };
  }
  const fields = names.map((name, at) => `${property(name)}: p${at}(input)`).join(', ');
  return compile(names.map(parameter), `(input) => ({ ${fields} })`)(...parts) as (input: I) => Record<string, unknown>;
}

/** The same out of another object: each part gets the value of the field that it is told of. */
export function unrolledCopy(
  fields: readonly { readonly from: string; readonly to: string; readonly part: (value: unknown) => unknown }[],
): (source: Readonly<Record<string, unknown>>) => Record<string, unknown> {
  if (fields.length > maxFields) {
    return (source) => {
      const copy: Record<string, unknown> = {};
      for (const { from, to, part } of fields) copy[to] = part(source[from]);
      return copy;
    };
  }
  const list = fields.map(({ from, to }, at) => `${property(to)}: p${at}(source[${JSON.stringify(from)}])`).join(', ');
  const made = compile(fields.map(parameter), `(source) => ({ ${list} })`)(...fields.map(({ part }) => part));
  return made as (source: Readonly<Record<string, unknown>>) => Record<string, unknown>;
}

/** Hands the value of each field to its part, together with whatever else the parts need. */
export function unrolledVisit<C>(
  names: readonly string[],
  parts: readonly ((context: C, value: unknown) => void)[],
): (context: C, struct: Readonly<Record<string, unknown>>) => void {
  if (names.length > maxFields) {
    return (context, struct) => {
      for (let at = 0; at < names.length; at++) (parts[at] as (context: C, value: unknown) => void)(context, struct[names[at] as string]);
    };
  }
  const calls = names.map((name, at) => `p${at}(context, struct[${JSON.stringify(name)}]);`).join(' ');
  return compile(names.map(parameter), `(context, struct) => { ${calls} }`)(...parts) as (context: C, struct: Readonly<Record<string, unknown>>) => void;
}

/** Puts texts together: before each field what is told, then what its part makes of the value. */
export function unrolledText(
  fields: readonly { readonly before: string; readonly name: string; readonly part: (value: unknown) => string }[],
): (struct: Readonly<Record<string, unknown>>) => string {
  if (fields.length > maxFields) {
    return (struct) => {
      let text = '';
      for (const { before, name, part } of fields) text += before + part(struct[name]);
      return text;
    };
  }
  const sum = fields.map(({ before, name }, at) => `${JSON.stringify(before)} + p${at}(struct[${JSON.stringify(name)}])`).join(' + ');
  return compile(fields.map(parameter), `(struct) => ${sum || "''"}`)(...fields.map(({ part }) => part)) as (
    struct: Readonly<Record<string, unknown>>,
  ) => string;
}
