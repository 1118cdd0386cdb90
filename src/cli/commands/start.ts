/** The foreground daemon: this process becomes the primary. */
import { Command } from 'commander';
import { addConfigFlags } from '../flags.js';
import { endByEarlySignals } from '../../primary/early-signals.js';
import { takeServiceManager } from '../../primary/systemd/environment.js';
import { loadSettings, type Settings } from '../settings.js';

export function startCommand(): Command {
  const command = new Command('start').description('Run the daemon in the foreground');
  addConfigFlags(command);
  return command.action(async () => {
    // Before the child that reads the config, or any other, could take it to be meant.
    const manager = takeServiceManager(process.env, process.pid);
    const caught = endByEarlySignals(process.pid);
    const load = (): Promise<Settings> => loadSettings(command.opts());
    const [settings, { runPrimary }] = await Promise.all([
      load(),
      // Loaded only here, for the other commands have no use for it, and while the child reads the config.
      import('../../primary/main.js'),
    ]);
    const running = runPrimary(settings, load, manager);
    // It catches signals before it waits for anything.
    caught();
    const { exitCode, error } = await running;
    if (error !== null) throw error;
    process.exitCode = exitCode;
  });
}
