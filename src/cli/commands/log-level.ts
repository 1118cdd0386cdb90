import { Command } from 'commander';
import { findDaemon, withControl } from '../control-client.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

export function logLevelCommand(): Command {
  const command = new Command('log-level').description('Change what is logged, until the next reload');
  addTargetFlags(command.argument('<level>', 'trace, debug, info, warn, error, fatal or silent')).option('--json', 'print JSON');
  return command.action(async (level: string, { json = false }: { json?: boolean }) => {
    const found = await findDaemon(targetOf(command));
    await withControl(found, (control) => control.setLogLevel(level));
    process.stdout.write(json ? `${JSON.stringify({ level })}\n` : `All processes of "${found.state.name}" log at ${level} until the next reload.\n`);
  });
}
