import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

/** `npm run simulate -- --seeds N [--seed S]`: N seeds from S on. Exit code 1 when an invariant was broken; the seed replays it. */
const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } } });
const [seeds, first] = [Number(values.seeds), Number(values.seed)];
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(first) || first < 0) {
  console.error('npm run simulate -- [--seeds 1000] [--seed 1], whole numbers');
  process.exit(2);
}
let failed = 0;
let events = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const result = await simulate(seed);
  events += result.events;
  if (result.violations.length > 0) {
    failed++;
    console.log(`seed ${seed}:`);
    for (const violation of result.violations) console.log(`  ${violation}`);
  }
  if ((seed - first + 1) % 500 === 0) console.error(`${seed - first + 1} seeds, ${failed} failed`);
}
console.log(`${events} events`);
console.log(`${seeds - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
