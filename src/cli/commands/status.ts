import { Command } from 'commander';
import { EXIT } from '../../shared/exit-codes.js';
import { DaemonError } from '../../shared/errors.js';
import { findDaemon, withControl } from '../control-client.js';
import { formatStatus } from '../format-status.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

export function statusCommand(): Command {
  const command = new Command('status').description('Show what runs; exit 0 healthy, 1 not, 3 not running');
  addTargetFlags(command).option('--json', 'print JSON');
  return command.action(async ({ json = false }: { json?: boolean }) => {
    try {
      const found = await findDaemon(targetOf(command));
      const status = await withControl(found, (control) => control.status());
      process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : formatStatus(status));
      process.exitCode = status.health === 'healthy' ? EXIT.ok : EXIT.failed;
    } catch (error) {
      if (!(error instanceof DaemonError) || error.code !== 'E_NOT_RUNNING') throw error;
      process.stdout.write(json ? `${JSON.stringify({ health: 'not running' })}\n` : `${error.message}.\n`);
      process.exitCode = EXIT.notRunning;
    }
  });
}
