/** The foreground daemon: this process becomes the primary. */
import { Command } from 'commander';
import { runPrimary } from '../../primary/main.js';
import { addConfigFlags } from '../flags.js';
import { loadSettings } from '../settings.js';

export function startCommand(): Command {
  const command = new Command('start').description('Run the daemon in the foreground');
  addConfigFlags(command);
  return command.action(async () => {
    const { config, configFile, warnings } = await loadSettings(command.opts());
    const { exitCode, error } = await runPrimary({ config, configFile, warnings });
    if (error !== null) throw error;
    process.exitCode = exitCode;
  });
}
