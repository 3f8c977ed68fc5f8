import type { FailureReport } from '../shared/storage/ports.ts';
import { asciiJson } from './ascii-json.ts';

/** 256 KB is the most that SQS takes; less a rest. */
const longestMessage = 250_000;
/** Characters of the error and of the trace: what is short enough with the first goes whole. */
const cuts = [100_000, 30_000, 10_000];

/**
 * A failure as the JSON that its queue gets. ASCII only: SQS refuses messages with some characters, such as the ends of Unicode's planes, and
 * a failure that is never taken holds its connector up for ever. Where that makes it too long the error and the trace are cut.
 */
export function failureMessage(report: FailureReport): string {
  let message = '';
  for (const length of cuts) {
    message = asciiJson({ ...report, error: cut(report.error, length), trace: report.trace && cut(report.trace, length) });
    if (message.length <= longestMessage) break;
  }
  return message;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}... (${text.length - length} more characters)`;
}
