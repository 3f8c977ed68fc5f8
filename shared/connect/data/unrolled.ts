/**
 * Loops over the fields of a schema, unrolled into functions of their own: engines give the objects that these make one shape,
 * and see which function each field calls, so that they can put it in place. It is worth a half of what structs cost
 * (docs/decisions/unrolled-structs.md).
 *
 * Names of fields get into the text of a function as JSON texts and nowhere else. A schema that only a few records have is not
 * worth a function, and beyond so many fields engines do not optimize such functions: a plain loop serves then.
 */
const maxFields = 200;
const firstInLoop = 16;

type Struct = Readonly<Record<string, unknown>>;

const parameter = (_: unknown, at: number): string => `p${at}`;

function compile(parts: readonly unknown[], expression: string): unknown {
  return new Function(...parts.map(parameter), `'use strict'; return ${expression};`)(...parts);
}

/** `__proto__` on its own would set the prototype. */
const property = (name: string): string => (name === '__proto__' ? '["__proto__"]' : JSON.stringify(name));

/** The loop at first, the function after so many records. */
function afterSome<I, O>(fields: number, loop: (input: I) => O, unroll: () => (input: I) => O): (input: I) => O {
  if (fields > maxFields) return loop;
  let unrolled: ((input: I) => O) | null = null;
  let records = 0;
  return (input) => {
    if (unrolled !== null) return unrolled(input);
    if (++records > firstInLoop) unrolled = unroll();
    return loop(input);
  };
}

function put(struct: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(struct, name, { value, enumerable: true, configurable: true, writable: true });
  else struct[name] = value;
}

/** Makes objects with these fields, in this order: each value is what its part makes of the input. */
export function unrolledStruct<I>(names: readonly string[], parts: readonly ((input: I) => unknown)[]): (input: I) => Record<string, unknown> {
  const loop = (input: I): Record<string, unknown> => {
    const struct: Record<string, unknown> = {};
    for (let at = 0; at < names.length; at++) put(struct, names[at] as string, (parts[at] as (input: I) => unknown)(input));
    return struct;
  };
  const unroll = () => {
    const fields = names.map((name, at) => `${property(name)}: p${at}(input)`).join(', ');
    return compile(parts, `(input) => ({ ${fields} })`) as (input: I) => Record<string, unknown>;
  };
  return afterSome(names.length, loop, unroll);
}

/** A field of an object that is made out of another one. */
export interface UnrolledField {
  readonly from: string;
  readonly to: string;
  readonly part: (value: unknown) => unknown;
}

/** The same out of another object: each part gets the value of the field that it is told of. */
export function unrolledCopy(fields: readonly UnrolledField[]): (source: Struct) => Record<string, unknown> {
  const loop = (source: Struct): Record<string, unknown> => {
    const copy: Record<string, unknown> = {};
    for (const { from, to, part } of fields) put(copy, to, part(source[from]));
    return copy;
  };
  const unroll = () => {
    const list = fields.map(({ from, to }, at) => `${property(to)}: p${at}(source[${JSON.stringify(from)}])`).join(', ');
    const parts = fields.map(({ part }) => part);
    return compile(parts, `(source) => ({ ${list} })`) as (source: Struct) => Record<string, unknown>;
  };
  return afterSome(fields.length, loop, unroll);
}

/** Hands the value of each field to its part, together with the context, which is one for all calls. */
export function unrolledVisit<C>(names: readonly string[], parts: readonly ((context: C, value: unknown) => void)[], context: C): (struct: Struct) => void {
  const loop = (struct: Struct): void => {
    for (let at = 0; at < names.length; at++) (parts[at] as (context: C, value: unknown) => void)(context, struct[names[at] as string]);
  };
  const unroll = () => {
    const calls = names.map((name, at) => `p${at}(context, struct[${JSON.stringify(name)}]);`).join(' ');
    return compile([...parts, context], `(struct) => { const context = p${parts.length}; ${calls} }`) as (struct: Struct) => void;
  };
  return afterSome(names.length, loop, unroll);
}

/** A field of a text: what stands before it, and what makes its text. */
export interface UnrolledText {
  readonly before: string;
  readonly name: string;
  readonly part: (value: unknown) => string;
}

/** Puts texts together, field after field. */
export function unrolledText(fields: readonly UnrolledText[]): (struct: Struct) => string {
  const loop = (struct: Struct): string => {
    let text = '';
    for (const { before, name, part } of fields) text += before + part(struct[name]);
    return text;
  };
  const unroll = () => {
    const sum = fields.map(({ before, name }, at) => `${JSON.stringify(before)} + p${at}(struct[${JSON.stringify(name)}])`).join(' + ');
    const parts = fields.map(({ part }) => part);
    return compile(parts, `(struct) => ${sum || "''"}`) as (struct: Struct) => string;
  };
  return afterSome(fields.length, loop, unroll);
}
