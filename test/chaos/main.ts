import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { roundsVariable, seedVariable } from './rounds.ts';

/** `npm run chaos -- [--rounds N] [--seed S]`: the crash tests, with N outages in an order that the seed gives. */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '60' }, seed: { type: 'string', default: String(Date.now() % 100_000) } } });
const [rounds, seed] = [Number(values.rounds), Number(values.seed)];
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed) || seed < 0) {
  console.error('npm run chaos -- [--rounds 60] [--seed 1], whole numbers');
  process.exit(2);
}
console.log(`${rounds} outages, seed ${seed}`);
const child = spawn(process.execPath, [fileURLToPath(new URL('../run.ts', import.meta.url)), 'chaos'], {
  stdio: 'inherit',
  env: { ...process.env, [roundsVariable]: String(rounds), [seedVariable]: String(seed) },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
