import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completions.js';

/** `grpcserverd completion SHELL`: prints the script that completes this command line. */
export function completionCommand(): Command {
  const command: Command = new Command('completion')
    .description('Print completions for bash, zsh or fish')
    .addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS));
  return command.action((shell: Shell) => {
    // The table is that of the program that this command was added to.
    if (command.parent !== null) process.stdout.write(completionScript(shell, command.parent));
  });
}
