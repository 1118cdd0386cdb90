import { Command } from 'commander';
import { isListening } from '../../control/probe-socket.js';
import { DaemonError } from '../../shared/errors.js';
import { findDaemon, withControl, type FoundDaemon } from '../control-client.js';
import { addTargetFlags, targetOf } from '../target-flags.js';
import { waitForExit } from '../wait-for-exit.js';

export function stopCommand(): Command {
  const command = new Command('stop').description('Stop the daemon; calls in flight finish first');
  addTargetFlags(command).option('--now', 'give calls in flight two seconds');
  return command.action(async ({ now = false }: { now?: boolean }) => {
    let found: FoundDaemon;
    try {
      found = await findDaemon(targetOf(command));
    } catch (error) {
      if (!(error instanceof DaemonError) || error.code !== 'E_NOT_RUNNING') throw error;
      process.stdout.write(`${error.message}.\n`);
      return;
    }
    const { pid } = found.state;
    try {
      await withControl(found, (control) => control.stop(now));
    } catch (error) {
      // A daemon that is gone before its answer got out has done what was asked.
      if (await isListening(found.files.socket)) throw error;
    }
    await waitForExit(pid);
    process.stdout.write(`Stopped "${found.state.name}", pid ${pid}.\n`);
  });
}
