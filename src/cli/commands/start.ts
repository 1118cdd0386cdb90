/** The foreground daemon: this process becomes the primary. */
import { Command } from 'commander';
import { addConfigFlags } from '../flags.js';
import { loadSettings } from '../settings.js';

export function startCommand(): Command {
  const command = new Command('start').description('Run the daemon in the foreground');
  addConfigFlags(command);
  return command.action(async () => {
    const { config, configFile, warnings } = await loadSettings(command.opts());
    // Loaded only here: the other commands have no use for it.
    const { runPrimary } = await import('../../primary/main.js');
    const { exitCode, error } = await runPrimary({ config, configFile, warnings });
    if (error !== null) throw error;
    process.exitCode = exitCode;
  });
}
