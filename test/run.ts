import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestServers, type TestServers } from './integration/test-servers.ts';

/**
 * `npm test`: every check, one after the other, whatever the ones before came to. `npm test -- unit types` runs those
 * steps only, and anything that is no step's name is taken as a path for vitest.
 * The last line counts: a tool is one test, vitest's are its own.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules', '.bin');

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Step {
  readonly name: string;
  readonly title: string;
  run(): Promise<Count>;
}

const steps: readonly Step[] = [
  {
    name: 'lint',
    title: 'Format and lint (biome)',
    run: () => tool('biome', ['ci', '--error-on-warnings', ...(process.stdout.isTTY ? [] : ['--colors=off']), '.']),
  },
  { name: 'types', title: 'Types (tsc)', run: () => tool('tsc', ['-p', '.']) },
  {
    name: 'imports',
    title: 'Import rules (dependency-cruiser)',
    run: () => tool('depcruise', [...sources, '--config', '.dependency-cruiser.json'], importRulesText),
  },
  { name: 'unused', title: 'Unused code (knip)', run: () => tool('knip', []) },
  { name: 'unit', title: 'Unit tests', run: () => vitest(['--project', 'unit']) },
  { name: 'integration', title: 'Integration tests (real Kafka, DynamoDB Local, PostgreSQL)', run: () => withServers(['--project', 'integration']) },
  { name: 'deploy', title: 'Deployment (cdk into Moto, where Python is installed)', run: () => withServers(['--project', 'deploy']) },
  { name: 'chaos', title: 'Crash tests (real processes, killed)', run: () => withServers(['--project', 'chaos']) },
];

const sources = ['functions', 'infra', 'shared', 'test', 'bench'];
let running: ChildProcess | null = null;
const started: { servers?: Promise<TestServers> } = {};
let stopping = false;

for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) {
  process.on(event, () => {
    stopping = true;
    running?.kill('SIGTERM');
  });
}

const args = process.argv.slice(2);
const names = args.filter((arg) => steps.some(({ name }) => name === arg));
const paths = args.filter((arg) => !names.includes(arg));
const chosen: readonly Step[] = [
  ...steps.filter(({ name }) => args.length === 0 || names.includes(name)),
  ...(paths.length > 0 ? [{ name: 'paths', title: `Tests of ${paths.join(' ')}`, run: () => vitest(paths) }] : []),
];
const total = { passed: 0, failed: 0 };
const summary: string[] = [];
try {
  for (const { title, run } of chosen) {
    if (stopping) break;
    console.log(`\n== ${title}`);
    const begin = performance.now();
    const { passed, failed, skipped } = await run().catch((error): Count => {
      console.error(error instanceof Error ? error.message : error);
      return { passed: 0, failed: 1, skipped: 0 };
    });
    total.passed += passed;
    total.failed += failed;
    const took = `${((performance.now() - begin) / 1000).toFixed(1)} s`;
    summary.push(`${failed > 0 ? 'FAILED' : 'ok    '}  ${title}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''} (${took})`);
    console.log(summary.at(-1));
  }
} finally {
  await started.servers?.then(
    (servers) => servers.stop(),
    () => {},
  );
}
console.log(`\n${summary.join('\n')}\n`);
if (stopping) console.log('Stopped before the end.');
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 || stopping || total.passed === 0 ? 1 : 0);

/** One test: it passes when the tool is content. `text` makes of what it prints what is shown; without it, it prints by itself. */
async function tool(command: string, options: readonly string[], text?: (printed: string) => string): Promise<Count> {
  const { code, printed } = await execute(command, options, process.env, text !== undefined);
  if (text) console.log(text(printed));
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Leaves out what dependency-cruiser says about TypeScript 7, which it cannot use: it reads the sources with swc. */
function importRulesText(printed: string): string {
  return printed.replace(/\n*‼ missing-tsc-transpiler[\s\S]*?published and stable\.\n*/u, '').trim();
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

async function vitest(options: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Count> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-report-'));
  const file = join(folder, 'report.json');
  try {
    const { code } = await execute('vitest', ['run', ...options, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`], env);
    const report: VitestReport | null = await readFile(file, 'utf8').then(JSON.parse, () => null);
    if (!report) return { passed: 0, failed: 1, skipped: 0 };
    const unloaded = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0).length;
    const failed = report.numFailedTests + unloaded;
    // An error outside of any test, or no test at all, shows only in the exit code.
    return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: report.numPendingTests };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs tests beside servers that are started once for all steps. */
async function withServers(options: readonly string[]): Promise<Count> {
  started.servers ??= startTestServers(process.env, (line) => console.log(line));
  const { env } = await started.servers;
  return vitest(options, { ...process.env, DATABASE_URL: '', ...env });
}

function execute(command: string, options: readonly string[], env: NodeJS.ProcessEnv, capture = false): Promise<{ code: number; printed: string }> {
  return new Promise((resolve, reject) => {
    const output = capture ? 'pipe' : 'inherit';
    const child = spawn(join(bin, command), options, { cwd: root, env, stdio: ['ignore', output, output] });
    running = child;
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk) => (printed += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      running = null;
      resolve({ code: code ?? 1, printed });
    });
  });
}
