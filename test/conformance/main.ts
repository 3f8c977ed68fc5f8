import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runVectors, type VectorCase } from './run-vectors.ts';
import { runValidate, type ValidateDocument } from './validate.ts';

/**
 * `npm run conformance -- FILE… [--url REST] [--kafka HOST:PORT]`: vectors of the real Kafka Connect against Sluice, smt
 * and converter in process, validate by the REST API at `--url`.
 * Exit code 0 when all passed, 1 when one failed, 2 when the vectors cannot be run.
 */
const { values: flags, positionals: files } = parseArgs({ allowPositionals: true, options: { url: { type: 'string' }, kafka: { type: 'string' } } });

if (files.length === 0) refuse('Name at least one file of vectors: npm run conformance -- FILE… [--url http://127.0.0.1:8083]');

const total = { passed: 0, failed: 0, equal: 0, messages: 0 };
for (const file of files) {
  const text = await readFile(file, 'utf8').catch((error: Error) => refuse(`${file} cannot be read: ${error.message}`));
  const { passed, failed, messages, mismatches } = await run(file, JSON.parse(text) as readonly VectorCase[] | ValidateDocument);
  for (const mismatch of mismatches) console.log(mismatch);
  total.passed += passed;
  total.failed += failed;
  total.equal += messages.equal;
  total.messages += messages.total;
}
console.log(`messages: ${total.equal} of ${total.messages} equal`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

async function run(file: string, document: readonly VectorCase[] | ValidateDocument) {
  if (!Array.isArray(document)) {
    if (flags.url === undefined) refuse(`${file} holds vectors of kind validate: they need a running system, --url http://127.0.0.1:8083`);
    return runValidate(document as ValidateDocument, { url: flags.url });
  }
  const unknown = (document as readonly VectorCase[]).find(({ kind }) => kind !== 'smt' && kind !== 'converter');
  if (unknown !== undefined) refuse(`${file} holds vectors of kind ${(unknown as VectorCase).kind}, which this command does not run`);
  return runVectors(document as readonly VectorCase[]);
}

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}
