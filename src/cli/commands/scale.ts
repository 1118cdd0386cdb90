import { Command } from 'commander';
import { DaemonError } from '../../shared/errors.js';
import { findDaemon, withControl } from '../control-client.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

export function scaleCommand(): Command {
  const command = new Command('scale').description('Change the number of workers, or go back to the config');
  addTargetFlags(command.argument('<workers>', 'a number, or "config"')).option('--json', 'print JSON');
  return command.action(async (workers: string, { json = false }: { json?: boolean }) => {
    const wanted = parse(workers);
    const found = await findDaemon(targetOf(command));
    const { before, after } = await withControl(found, (control) => control.scale(wanted));
    const limited = wanted !== 0 && after !== wanted ? ' (the least is 1; the most is four times maxWorkers, and no more than maximumConcurrentRpcs)' : '';
    process.stdout.write(json ? `${JSON.stringify({ before, after })}\n` : `${before} -> ${after} workers${limited}\n`);
  });
}

/** 0 stands for the config. */
function parse(workers: string): number {
  if (workers === 'config') return 0;
  if (/^[1-9]\d{0,6}$/.test(workers)) return Number(workers);
  throw new DaemonError('E_USAGE', `"${workers}" is no number of workers`, { hint: 'Give a number from 1 on, or "config".' });
}
