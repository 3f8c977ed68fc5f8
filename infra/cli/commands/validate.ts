import { offlineErrors } from '../../../shared/herder/offline-errors.ts';
import { plugins } from '../../../shared/plugins.ts';
import { readWorkerProperties } from '../../local/worker-file.ts';
import type { Command } from '../command.ts';
import { readSpecs } from '../specs.ts';

/** Checks specs by the plugins' own definitions; nothing is asked over the network. */
export const validateCommand: Command = {
  summary: 'Checks spec files by the definitions of their plugins, without a server; unknown keys are told, with what was meant.',
  usage: 'FILE… [--worker FILE] [--allow-unknown-keys]',
  options: { worker: { type: 'string' }, 'allow-unknown-keys': { type: 'boolean' } },
  async run({ positionals, flags, print }) {
    const worker = await readWorkerProperties(typeof flags['worker'] === 'string' ? flags['worker'] : null);
    const unknown = flags['allow-unknown-keys'] === true ? 'ignore' : 'fail';
    let failed = 0;
    for (const { path, name, config } of await readSpecs(positionals)) {
      const errors = offlineErrors(name, config, { plugins, worker, unknown });
      if (errors.length === 0) print(`${path}: ok`);
      else {
        failed++;
        for (const error of errors) print(`${path}: ${error}`);
      }
    }
    return failed === 0 ? 0 : 1;
  },
};
