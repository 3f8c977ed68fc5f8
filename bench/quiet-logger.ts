import type { Logger } from '../shared/connect/logger.ts';

const nothing = () => {};

/** Says only what went wrong: a benchmark's output is its table. */
export const quietLogger: Logger = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: (message, fields) => console.error(message, fields ?? ''),
  error: (message, fields) => console.error(message, fields ?? ''),
};
