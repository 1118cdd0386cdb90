import type { Command } from 'commander';
import type { Target } from './control-client.js';

/** The flags by which every command that talks to a daemon is told which one. */
export function addTargetFlags(command: Command): Command {
  return command
    .option('--name <name>', 'the daemon of this name')
    .option('--config <file>', 'the daemon that was started with this config file')
    .option('--runtime-dir <folder>', 'the folder that it was told to use');
}

export function targetOf(command: Command): Target {
  return command.opts<Target>();
}
