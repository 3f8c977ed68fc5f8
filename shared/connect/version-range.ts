import { ConfigException } from './errors.ts';

/** A version could not be read, or no plugin of that version is there (KIP-891). */
export class VersionedPluginLoadingException extends ConfigException {}

interface Restriction {
  readonly lower: string | null;
  readonly lowerInclusive: boolean;
  readonly upper: string | null;
  readonly upperInclusive: boolean;
}

/**
 * The range that a `…plugin.version` key asks for, in Maven's notation: `4.3.1` and `[4.3.1]` are exactly that version,
 * `[1.0,2.0)` and `[1.0,)` what lies between. Null for null and `latest`. Throws VersionedPluginLoadingException.
 */
export function versionRequirement(text: string | null | undefined): VersionRange | null {
  if (text === null || text === undefined || text === 'latest') return null;
  const spec = text.trim();
  return /^[[(]/.test(spec) ? new VersionRange(parseRestrictions(spec)) : new VersionRange([exactly(spec)]);
}

/** One or several intervals of versions. */
export class VersionRange {
  readonly #restrictions: readonly Restriction[];

  constructor(restrictions: readonly Restriction[]) {
    this.#restrictions = restrictions;
  }

  contains(version: string): boolean {
    return this.#restrictions.some(({ lower, lowerInclusive, upper, upperInclusive }) => {
      const above = lower === null ? 1 : compareVersions(version, lower);
      const below = upper === null ? -1 : compareVersions(version, upper);
      return (above > 0 || (above === 0 && lowerInclusive)) && (below < 0 || (below === 0 && upperInclusive));
    });
  }

  toString(): string {
    return this.#restrictions
      .map(({ lower, lowerInclusive, upper, upperInclusive }) => `${lowerInclusive ? '[' : '('}${lower ?? ''},${upper ?? ''}${upperInclusive ? ']' : ')'}`)
      .join(',');
  }
}

function exactly(version: string): Restriction {
  return { lower: version, lowerInclusive: true, upper: version, upperInclusive: true };
}

function parseRestrictions(spec: string): Restriction[] {
  const restrictions: Restriction[] = [];
  let rest = spec;
  while (rest !== '') {
    const match = /^([[(])([^\])]*)([\])])\s*,?\s*/.exec(rest);
    if (match === null) {
      throw new VersionedPluginLoadingException(
        /^[[(]/.test(rest) ? `Unbounded range: ${spec}` : `Only fully-qualified sets allowed in multiple set scenario: ${spec}`,
      );
    }
    restrictions.push(parseRestriction(match[0].trim().replace(/,$/, ''), match[2] as string, match[1] === '[', match[3] === ']'));
    rest = rest.slice(match[0].length);
  }
  return restrictions;
}

function parseRestriction(spec: string, body: string, lowerInclusive: boolean, upperInclusive: boolean): Restriction {
  const comma = body.indexOf(',');
  if (comma < 0) {
    if (!lowerInclusive || !upperInclusive) throw new VersionedPluginLoadingException(`Single version must be surrounded by []: ${spec}`);
    return exactly(body.trim());
  }
  const lower = body.slice(0, comma).trim() || null;
  const upper = body.slice(comma + 1).trim() || null;
  if (lower !== null && upper !== null && compareVersions(upper, lower) < 0)
    throw new VersionedPluginLoadingException(`Range defies version ordering: ${spec}`);
  return { lower, lowerInclusive, upper, upperInclusive };
}

/** Numbers are compared as such, a missing one is zero, and a qualifier (`-rc1`) comes before the version itself. */
function compareVersions(one: string, other: string): number {
  const parts = (version: string) => version.split(/[.-]|(?<=\d)(?=[a-zA-Z])|(?<=[a-zA-Z])(?=\d)/);
  const [mine, theirs] = [parts(one), parts(other)];
  for (let index = 0; index < Math.max(mine.length, theirs.length); index++) {
    const [a, b] = [mine[index] ?? '0', theirs[index] ?? '0'];
    const [aIsNumber, bIsNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (aIsNumber && bIsNumber) {
      if (Number(a) !== Number(b)) return Number(a) < Number(b) ? -1 : 1;
    } else if (aIsNumber !== bIsNumber) return aIsNumber ? 1 : -1;
    else if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
