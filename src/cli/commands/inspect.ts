import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { InspectOrder } from '../../control/definition.js';
import { DaemonError } from '../../shared/errors.js';
import { findDaemon, withControl } from '../control-client.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

interface Flags {
  readonly heapSnapshot?: string;
  readonly withdraw?: boolean;
  readonly close?: boolean;
  readonly json?: boolean;
}

export function inspectCommand(): Command {
  const command = new Command('inspect').description("Open a worker's inspector, or write its heap to a file");
  addTargetFlags(command.argument('<slot>', 'which worker, as status shows it'))
    .option('--heap-snapshot <file>', 'write its heap to this new file instead; the worker stands still meanwhile')
    .option('--withdraw', 'no new calls for it until the inspector is closed or the file is written')
    .addOption(new Option('--close', 'close the inspector again').conflicts(['heapSnapshot', 'withdraw']))
    .option('--json', 'print JSON');
  return command.action(async (slot: string, { heapSnapshot, withdraw = false, close = false, json = false }: Flags) => {
    // The worker has a working directory of its own.
    const order = { slot: parseSlot(slot), heapSnapshot: heapSnapshot === undefined ? '' : resolve(heapSnapshot), withdraw, close };
    const found = await findDaemon(targetOf(command));
    const { pid, result } = await withControl(found, (control) => control.inspect(order));
    const name = found.state.name === 'default' ? '' : ` --name ${found.state.name}`;
    process.stdout.write(json ? `${JSON.stringify({ slot: order.slot, pid, result })}\n` : describe(order, pid, result, name));
  });
}

function describe({ slot, heapSnapshot, close }: InspectOrder, pid: number, result: string, name: string): string {
  if (heapSnapshot !== '') return `The heap of worker ${slot} (pid ${pid}) is in ${result}\nLoad it in Chrome's developer tools, tab Memory.\n`;
  if (close) return `The inspector of worker ${slot} (pid ${pid}) is closed.\n`;
  const { host } = new URL(result);
  return [
    `Worker ${slot} (pid ${pid}) can be inspected at ${result}`,
    `Chrome:  open chrome://inspect and add ${host} under "Configure..."`,
    `Shell:   node inspect ${host}`,
    `Whoever can reach that port can run code in the worker. Close it with: grpcserverd inspect ${slot} --close${name}`,
    '',
  ].join('\n');
}

function parseSlot(slot: string): number {
  if (/^\d{1,6}$/.test(slot)) return Number(slot);
  throw new DaemonError('E_USAGE', `"${slot}" is no slot`, { hint: 'Slots are numbers from 0 on; grpcserverd status lists them.' });
}
