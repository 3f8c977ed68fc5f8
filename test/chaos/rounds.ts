/** Environment variables through which `npm run chaos` asks for more than each outage once. */
export const roundsVariable = 'SLUICE_CHAOS_ROUNDS';
export const seedVariable = 'SLUICE_CHAOS_SEED';

/** The outages of a test run: each once, in order; or as many as `npm run chaos` asked for, drawn by its seed. */
export function chosenRounds(outages: readonly string[], env: NodeJS.ProcessEnv = process.env): readonly string[] {
  const rounds = Number(env[roundsVariable] ?? 0);
  if (rounds === 0) return outages;
  let state = Number(env[seedVariable] ?? 1) >>> 0;
  return Array.from({ length: rounds }, () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return outages[((mixed ^ (mixed >>> 14)) >>> 0) % outages.length] as string;
  });
}
