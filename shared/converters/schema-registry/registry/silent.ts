import type { ConverterContext } from '../../../connect/index.ts';

/** For converters that nobody runs, but only asks: no time passes, nothing is told. */
export const silent: ConverterContext = {
  clock: { now: () => 0, sleep: async () => {}, nextTurn: async () => {} },
  logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
};
