import type { DeadLetter } from './dead-letter.ts';

/** Which letters: those that have all of what is set. */
export interface LetterFilter {
  readonly stage?: string;
  /** Java class of the exception, with or without its package. */
  readonly exception?: string;
  /** Part of the exception's message. */
  readonly message?: string;
  /** Where the record was from, or was to go. */
  readonly topic?: string;
  readonly partition?: number;
  readonly task?: number;
  /** Time of the failure where it is known, else of the record, in milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
}

export function matches(filter: LetterFilter, letter: DeadLetter): boolean {
  const { stage, exception, message, topic, partition, task, since, until } = filter;
  const { origin } = letter;
  const time = letter.failedAt ?? letter.timestamp;
  const className = letter.exceptionClass ?? '';
  return (
    (stage === undefined || letter.stage === stage) &&
    (exception === undefined || className === exception || className.endsWith(`.${exception}`)) &&
    (message === undefined || (letter.message ?? '').includes(message)) &&
    (topic === undefined || origin?.topic === topic) &&
    (partition === undefined || (origin?.kind === 'sink' && origin.partition === partition)) &&
    (task === undefined || letter.task === task) &&
    (since === undefined || (time !== null && time >= since)) &&
    (until === undefined || (time !== null && time < until))
  );
}

/** Several connectors may share a queue; what does not say whose it is counts as the asking one's. */
export function isOf(connector: string, letter: DeadLetter): boolean {
  return letter.connector === null || letter.connector === connector;
}
