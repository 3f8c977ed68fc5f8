import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type DlqCase, runDlq } from './dlq.ts';
import type { RunResult } from './expectation.ts';
import { runModel } from './model/run-model.ts';
import { startSystems } from './model/systems.ts';
import { compareRandom } from './random/compare-random.ts';
import { type Reference, startReference } from './reference/reference.ts';
import { type RestDocument, runRest } from './rest.ts';
import { runVectors, type VectorCase } from './run-vectors.ts';
import { fromTables, runValidate, type ValidateDocument, type ValidateTables } from './validate.ts';

/**
 * `npm run conformance -- FILE… [--url REST] [--kafka HOST:PORT] [--only TEXT] [--lenient]`: vectors of the real Kafka Connect against Sluice, smt
 * and converter in process, transcripts of requests and validate by the REST API at `--url` (`--only TEXT`: of scenarios with that in
 * their name; `--lenient`: 4xx is right too where the real one answers 500 to a client's mistake), dlq by that and the broker at `--kafka`.
 * `npm run conformance -- --random COUNT [--seed N]`: so many random cases, which the real classes answer beside ours.
 * `npm run conformance -- --model COUNT [--seed N] [--url SLUICE] [--reference REST]`: so many random sequences of calls, which go to a real
 * Kafka Connect worker and to Sluice; those that are not named are started.
 * `npm run conformance -- --make CASES.json > VECTORS.json`: cases without `expect`, answered by the real classes.
 * Exit code 0 when all passed, 1 when one failed, 2 when the vectors cannot be run.
 */
const { values: flags, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    kafka: { type: 'string' },
    random: { type: 'string' },
    model: { type: 'string' },
    reference: { type: 'string' },
    seed: { type: 'string' },
    make: { type: 'string' },
    only: { type: 'string' },
    lenient: { type: 'boolean' },
  },
});

if (flags.make !== undefined) {
  await make(flags.make);
  process.exit(0);
}
if (files.length === 0 && flags.random === undefined && flags.model === undefined)
  refuse('Name at least one file of vectors: npm run conformance -- FILE… [--url http://127.0.0.1:8083]');

const total = { passed: 0, failed: 0, equal: 0, messages: 0 };
if (flags.random !== undefined) {
  const count = wholeNumber('random', flags.random);
  const seed = seedOf(flags.seed);
  console.log(`${count} random cases of seed ${seed}`);
  add(await withReference((reference) => compareRandom(reference, count, seed)));
}
if (flags.model !== undefined) {
  const [count, seed] = [wholeNumber('model', flags.model), seedOf(flags.seed)];
  console.log(`${count} random sequences of calls from seed ${seed}`);
  add(await model(count, seed));
}
for (const file of files) {
  const text = await readFile(file, 'utf8').catch((error: Error) => refuse(`${file} cannot be read: ${error.message}`));
  add(await run(file, JSON.parse(text) as readonly (VectorCase | DlqCase)[] | ValidateDocument | ValidateTables | RestDocument));
}
console.log(`messages: ${total.equal} of ${total.messages} equal`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

function add({ passed, failed, messages, mismatches, notes = [] }: RunResult): void {
  for (const note of notes) console.log(note);
  for (const mismatch of mismatches) console.log(mismatch);
  total.passed += passed;
  total.failed += failed;
  total.equal += messages.equal;
  total.messages += messages.total;
}

async function withReference<T>(work: (reference: Reference) => Promise<T>): Promise<T> {
  const reference = await startReference((line) => console.error(line)).catch((error: Error) => refuse(error.message));
  try {
    return await work(reference);
  } finally {
    await reference.close();
  }
}

/** Prints vectors: the cases of a file with what the real classes make of them, a case a line. */
async function make(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch((error: Error) => refuse(`${file} cannot be read: ${error.message}`));
  const cases = (JSON.parse(text) as readonly (VectorCase & { readonly expect?: unknown })[]).map(({ expect: _expect, ...open }) => open);
  const answers = await withReference((reference) => reference.answer(cases));
  const broken = answers.findIndex((answer) => answer.broken !== undefined);
  if (broken !== -1) refuse(`The case ${cases[broken]?.id} cannot be made: ${answers[broken]?.broken}`);
  console.log(`[\n${cases.map((open, at) => escaped(JSON.stringify({ ...open, expect: answers[at] }))).join(',\n')}\n]`);
}

/** JSON with nothing but ASCII. */
function escaped(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

async function model(count: number, seed: number): Promise<RunResult> {
  const progress = (line: string) => console.error(line);
  const given = { ...(flags.reference !== undefined && { reference: flags.reference }), ...(flags.url !== undefined && { sluice: flags.url }) };
  const systems = await startSystems(given, progress).catch((error: Error) => refuse(error.message));
  try {
    return await runModel({ ...systems, count, seed, atOnce: 8, shrinks: 25, progress });
  } finally {
    await systems.stop();
  }
}

function seedOf(text: string | undefined): number {
  return text === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber('seed', text);
}

function wholeNumber(flag: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`--${flag} takes a whole number, not ${text}`);
}

async function run(file: string, document: readonly (VectorCase | DlqCase)[] | ValidateDocument | ValidateTables | RestDocument) {
  if (!Array.isArray(document)) {
    if ('scenarios' in document) return rest(file, document);
    if (flags.url === undefined) refuse(`${file} holds vectors of kind validate: they need a running system, --url http://127.0.0.1:8083`);
    return runValidate('values' in document ? fromTables(document as ValidateTables) : (document as ValidateDocument), { url: flags.url });
  }
  if (document[0]?.kind === 'dlq') {
    if (flags.url === undefined || flags.kafka === undefined)
      refuse(`${file} holds vectors of kind dlq: they need a running system and its Kafka, --url http://127.0.0.1:8083 --kafka 127.0.0.1:9092`);
    return runDlq(document as readonly DlqCase[], { url: flags.url, kafka: flags.kafka });
  }
  const unknown = (document as readonly VectorCase[]).find(({ kind }) => kind !== 'smt' && kind !== 'converter');
  if (unknown !== undefined) refuse(`${file} holds vectors of kind ${(unknown as VectorCase).kind}, which this command does not run`);
  return runVectors(document as readonly VectorCase[]);
}

function rest(file: string, document: RestDocument) {
  if (flags.url === undefined) refuse(`${file} holds a transcript of requests: it needs a running system on this machine, --url http://127.0.0.1:8083`);
  return runRest(document, { url: flags.url, lenient: flags.lenient === true, ...(flags.only !== undefined && { only: flags.only }) });
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
