import { readFile } from 'node:fs/promises';
import type { RawConfig } from '../../../shared/connect/config/config-def.ts';
import { isConnectException } from '../../../shared/connect/errors.ts';
import { plugins } from '../../../shared/plugins.ts';
import { ConfigTransformer, resolveWorker } from '../../../shared/runtime/config-transformer.ts';
import { type Preview, type PreviewedRecord, type PreviewStep, preview, type RecordView } from '../../../shared/runtime/preview/preview.ts';
import { type PreviewRecord, PreviewRecordException, previewRecords } from '../../../shared/runtime/preview/preview-record.ts';
import { ResolvedSecrets } from '../../../shared/runtime/resolved-secrets.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { readWorkerProperties } from '../../local/worker-file.ts';
import { type Command, CommandError } from '../command.ts';
import { readSpecs } from '../specs.ts';

/** Takes records through the converters and transformations of a spec; no server is needed. */
export const previewCommand: Command = {
  summary:
    'Shows what each converter and transformation of a spec makes of records, without a server.\n\n' +
    'RECORDS is a JSON list, or a record a line, or - for standard input. A record has "topic", "key", "value" and "headers", and may have\n' +
    '"partition", "offset", "timestamp". For a sink a key or value is what is in Kafka: a text, or JSON as the text that it is, or "value_base64".\n' +
    'For a source it is what the task hands over: JSON, with "value_schema" in the form of JsonConverter.\n' +
    '--schemas shows schemas beside values, --json prints all that is known, --worker FILE gives the converters and config providers of the worker.',
  usage: 'SPEC RECORDS [--json] [--schemas] [--worker FILE]',
  options: { json: { type: 'boolean' }, schemas: { type: 'boolean' }, worker: { type: 'string' } },
  async run({ positionals, flags, print }) {
    const [specFile, recordsFile, ...others] = positionals;
    if (specFile === undefined || recordsFile === undefined || others.length > 0)
      throw new CommandError('Name one spec file and one file of records: npm run sluice -- preview SPEC RECORDS');
    const [spec] = await readSpecs([specFile]);
    const records = await readRecords(recordsFile);
    const worker = await readWorkerProperties(typeof flags['worker'] === 'string' ? flags['worker'] : null);
    const secrets = new ResolvedSecrets();
    const said = (line: string) => print(secrets.hide(line));
    const answer = await previewed(spec?.config ?? {}, worker, records, secrets);
    if (flags['json'] === true) said(JSON.stringify(answer, null, 2));
    else for (const line of linesOf(answer, flags['schemas'] === true)) said(line);
    return answer.records.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
  },
};

const quiet = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

async function previewed(
  config: RawConfig,
  worker: Readonly<Record<string, string>>,
  records: readonly PreviewRecord[],
  secrets: ResolvedSecrets,
): Promise<Preview> {
  try {
    const transformer = new ConfigTransformer(worker, plugins, 'connector', secrets);
    try {
      const [ofWorker, ofConnector] = await Promise.all([
        resolveWorker(worker, plugins, secrets),
        transformer.transform(config as Readonly<Record<string, string>>),
      ]);
      return await preview({ plugins, worker: ofWorker.config, clock: systemClock, logger: quiet }, ofConnector.config, records);
    } finally {
      await transformer.close();
    }
  } catch (error) {
    if (isConnectException(error)) throw new CommandError(secrets.hide(error.message));
    throw error;
  }
}

async function readRecords(file: string): Promise<readonly PreviewRecord[]> {
  const name = file === '-' ? 'Standard input' : file;
  const text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8').catch((error: Error) => {
    throw new CommandError(`${name} cannot be read: ${error.message}`);
  });
  try {
    return previewRecords(text.trimStart().startsWith('[') ? text : `[${text.trim().split(/\r?\n/).filter(Boolean).join(',')}]`);
  } catch (error) {
    if (error instanceof SyntaxError) throw new CommandError(`${name} is neither a JSON list of records nor a record a line: ${error.message}`);
    if (error instanceof PreviewRecordException) throw new CommandError(`${name}: ${error.message}`);
    throw error;
  }
}

function* linesOf({ records }: Preview, schemas: boolean): Iterable<string> {
  for (const [at, record] of records.entries()) {
    yield `${at === 0 ? '' : '\n'}Record ${at + 1}: ${record.outcome}`;
    for (const step of record.steps) yield* stepLines(step, schemas);
    yield* resultLines(record, schemas);
  }
}

function* stepLines({ step, class: className, before, after, changed, error }: PreviewStep, schemas: boolean): Iterable<string> {
  yield `  ${step}  ${className}`;
  if (error !== undefined) {
    if (isRecord(before)) {
      yield* labelled('    given  key ', before['key'], schemas);
      yield* labelled('           value ', before['value'], schemas);
    } else yield* labelled('    given  ', before, schemas);
    yield `    failed ${error.class}: ${error.message}`;
    for (const cause of error.causes) yield `           caused by ${cause.class}: ${cause.message}`;
    return;
  }
  if (after === null && isRecord(before)) yield '    dropped';
  else if (changed === false) yield '    unchanged';
  else if (isRecord(before) && isRecord(after)) {
    for (const part of Object.keys(after)) {
      const [was, is] = [before[part], after[part]];
      if (JSON.stringify(was) === JSON.stringify(is)) continue;
      yield* labelled(`    ${part} - `, was, schemas);
      yield* labelled(`    ${part} + `, is, schemas);
    }
  } else {
    yield* labelled('    - ', before, schemas);
    yield* labelled('    + ', after ?? null, schemas);
  }
}

function* resultLines({ outcome, result }: PreviewedRecord, schemas: boolean): Iterable<string> {
  if (outcome !== 'delivered' || result === null) return;
  yield '  delivered';
  for (const [part, value] of Object.entries(result)) yield* labelled(`    ${part} = `, value, schemas);
}

/** A value in a line, its schema in another. */
function* labelled(label: string, value: unknown, schemas: boolean): Iterable<string> {
  if (Array.isArray(value) && value.length > 0) {
    for (const each of value)
      yield* labelled(`${label}${(each as { key: string }).key}: `, each.value === undefined || hasSchema(each) ? each : each.value, schemas);
    return;
  }
  yield `${label}${plain(value)}`;
  if (schemas && hasSchema(value) && value.schema !== null) yield `${' '.repeat(label.length)}schema ${JSON.stringify(value.schema)}`;
}

function hasSchema(value: unknown): value is { readonly schema: unknown; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'schema' in value && 'value' in value;
}

function isRecord(value: unknown): value is RecordView & Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && 'headers' in value;
}

function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (hasSchema(value)) return JSON.stringify(value.value);
  if ('text' in value) return String(value.text);
  if ('base64' in value) return `base64 ${String(value.base64)}`;
  if ('unprintable' in value) return `cannot be shown: ${String(value.unprintable)}`;
  return JSON.stringify(value);
}
