import type { Logger } from '../connect/logger.ts';

/** What is needed of Powertools' logger. */
interface Sink {
  trace(message: string, fields: Record<string, unknown>): void;
  debug(message: string, fields: Record<string, unknown>): void;
  info(message: string, fields: Record<string, unknown>): void;
  warn(message: string, fields: Record<string, unknown>): void;
  error(message: string, fields: Record<string, unknown>): void;
}

/** Our logger over a structured one: one JSON line for each message. */
export function structuredLogger(sink: Sink): Logger {
  return {
    trace: (message, fields = {}) => sink.trace(message, fields),
    debug: (message, fields = {}) => sink.debug(message, fields),
    info: (message, fields = {}) => sink.info(message, fields),
    warn: (message, fields = {}) => sink.warn(message, fields),
    error: (message, fields = {}) => sink.error(message, fields),
  };
}
