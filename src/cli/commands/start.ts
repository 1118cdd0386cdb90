/** The foreground daemon: this process becomes the primary. */
import { Command } from 'commander';
import { addConfigFlags } from '../flags.js';
import { loadSettings } from '../settings.js';

export function startCommand(): Command {
  const command = new Command('start').description('Run the daemon in the foreground');
  addConfigFlags(command);
  return command.action(async () => {
    const [{ config, configFile, warnings }, { runPrimary }] = await Promise.all([
      loadSettings(command.opts()),
      // Loaded only here, for the other commands have no use for it, and while the child reads the config.
      import('../../primary/main.js'),
    ]);
    const { exitCode, error } = await runPrimary({ config, configFile, warnings });
    if (error !== null) throw error;
    process.exitCode = exitCode;
  });
}
