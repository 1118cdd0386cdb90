import { Command, Help, Option } from 'commander';
import { VERSION } from '../shared/version.js';
import { certsCommand } from './commands/certs.js';
import { checkCommand } from './commands/check.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { initCommand } from './commands/init.js';
import { inspectCommand } from './commands/inspect.js';
import { listHandlersCommand } from './commands/list-handlers.js';
import { logLevelCommand } from './commands/log-level.js';
import { reloadCommand } from './commands/reload.js';
import { scaleCommand } from './commands/scale.js';
import { startCommand } from './commands/start.js';
import { statusCommand } from './commands/status.js';
import { stopCommand } from './commands/stop.js';
import { topCommand } from './commands/top.js';
import { upgradeCommand } from './commands/upgrade.js';

/** The commands as `grpcserverd --help` groups them. */
const GROUPS: Readonly<Record<string, readonly (() => Command)[]>> = {
  Serve: [startCommand, statusCommand, topCommand, reloadCommand, scaleCommand, upgradeCommand, stopCommand],
  Inspect: [inspectCommand, logLevelCommand, checkCommand, listHandlersCommand],
  Configure: [initCommand, configCommand, certsCommand],
};

export function createProgram(): Command {
  const visible = (command: Command): Option[] => Help.prototype.visibleOptions.call(new Help(), command);
  const program: Command = new Command('grpcserverd')
    .description('Runs gRPC services written for @grpc/grpc-js on every core, behind one port.')
    .usage('COMMAND [options]')
    .version(VERSION, '-V, --version', 'print the version')
    .addHelpOption(new Option('-h, --help', 'print help').hideHelp())
    .helpCommand(false)
    // One line for each command: what it takes is in its own help.
    .configureHelp({ subcommandTerm: (command) => command.name(), visibleOptions: (command) => (command === program ? [] : visible(command)) })
    .addHelpText('after', 'COMMAND --help says more; completion SHELL completes commands; --version.')
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  for (const [group, commands] of Object.entries(GROUPS)) {
    for (const create of commands) program.addCommand(inherit(create().helpGroup(`${group}:`), program));
  }
  // Used once in the life of a shell: the last line of the help is enough for it.
  program.addCommand(inherit(completionCommand().helpGroup('Configure:'), program), { hidden: true });
  return program;
}

/** How errors are reported is inherited by commands only when commander itself makes them. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).helpOption('-h, --help', 'print help').helpCommand(false);
  for (const child of command.commands) inherit(child, command);
  return command;
}
