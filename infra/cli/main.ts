import { parseArgs } from 'node:util';
import { distance } from 'fastest-levenshtein';
import { StartupError } from '../local/startup-error.ts';
import { type Command, CommandError } from './command.ts';
import { applyCommand } from './commands/apply.ts';
import { costCommand } from './commands/cost.ts';
import { deleteCommand } from './commands/delete.ts';
import { dlqCommand } from './commands/dlq.ts';
import { healthCommand } from './commands/health.ts';
import { offsetsCommand } from './commands/offsets.ts';
import { previewCommand } from './commands/preview.ts';
import { statusCommand } from './commands/status.ts';
import { validateCommand } from './commands/validate.ts';

/** Every command; a new one adds a line. */
const commands: Readonly<Record<string, Command>> = {
  apply: applyCommand,
  status: statusCommand,
  health: healthCommand,
  delete: deleteCommand,
  offsets: offsetsCommand,
  validate: validateCommand,
  preview: previewCommand,
  dlq: dlqCommand,
  cost: costCommand,
};

/** `npm run sluice -- COMMAND …`. Returns the exit code: 0 done, 1 something failed, 2 it was asked wrongly. */
export async function sluice(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    print('npm run sluice -- COMMAND [--help]\n');
    for (const [each, { summary }] of Object.entries(commands)) print(`  ${each.padEnd(10)} ${summary.split('\n')[0]}`);
    print('\nThe REST API is at --url or SLUICE_URL, http://127.0.0.1:8083 by default; basic authentication takes SLUICE_USER and SLUICE_PASSWORD.');
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const near = Object.keys(commands).find((each) => distance(each, name) <= 2);
    complain(`There is no command ${name}${near === undefined ? '' : `; did you mean ${near}?`} npm run sluice -- --help lists them.`);
    return 2;
  }
  if (rest.includes('--help')) {
    print(`npm run sluice -- ${name} ${command.usage}\n\n${command.summary}`);
    return 0;
  }
  try {
    const { values, positionals } = parseArgs({ args: rest, options: command.options, allowPositionals: true });
    return await command.run({ positionals, flags: values as Record<string, string | boolean | undefined>, env, print });
  } catch (error) {
    if (error instanceof CommandError) complain(error.message);
    else if (error instanceof StartupError) complain(error.message);
    else if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS'))
      complain(`${(error as Error).message}\nnpm run sluice -- ${name} ${command.usage}`);
    else throw error;
    return error instanceof CommandError ? error.exitCode : 2;
  }
}

if (import.meta.main) {
  process.exitCode = await sluice(process.argv.slice(2), process.env, console.log, console.error);
}
