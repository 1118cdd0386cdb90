import { CommanderError } from 'commander';
import { DaemonError } from '../shared/errors.js';
import { EXIT } from '../shared/exit-codes.js';
import { normalizeArguments } from './arguments.js';
import { fail } from './fail.js';
import { createProgram } from './program.js';

/** Runs one command line; the exit code is set, and the process ends when nothing is left to do. */
export async function run(args: readonly string[]): Promise<void> {
  // Whoever reads us (head, less) may stop at any time.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  try {
    await createProgram().parseAsync(normalizeArguments(args), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) endOfParsing(error);
    else fail(error);
  }
}

/** Commander throws after it has printed help or the version, too. */
function endOfParsing(error: CommanderError): void {
  if (error.exitCode === 0) return;
  if (error.code === 'commander.help') {
    process.exitCode = EXIT.usage;
    return;
  }
  const [message = '', ...suggestion] = error.message.replace(/^error: /, '').split('\n');
  fail(new DaemonError('E_USAGE', message, suggestion.length === 0 ? {} : { hint: suggestion.join(' ').replace(/^\((.*)\)$/, '$1') }));
}
