import { realpathSync } from 'node:fs';
import { Command } from 'commander';
import type { UpgradeReport } from '../../control/definition.js';
import { DaemonError } from '../../shared/errors.js';
import { EXIT, type ExitCode } from '../../shared/exit-codes.js';
import { findDaemon, withControl } from '../control-client.js';
import { formatUpgrade, UpgradeLines } from '../format-upgrade.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

interface Flags {
  readonly json?: boolean;
  readonly failOnCut?: boolean;
}

/** Exit code of `--fail-on-cut` when calls had to be cut. */
const CUT = 2;

export function upgradeCommand(): Command {
  const command = new Command('upgrade').description('Replace the daemon by this version of it and of Node');
  addTargetFlags(command).option('--fail-on-cut', 'exit 2 when calls had to be cut').option('--json', 'print the report as JSON');
  return command.action(async ({ json = false, failOnCut = false }: Flags) => {
    const found = await findDaemon(targetOf(command));
    const lines = new UpgradeLines((line) => {
      if (!json) process.stdout.write(`${line}\n`);
    });
    const order = { node: process.execPath, program: ownProgram() };
    const report = await withControl(found, (control) => control.upgrade(order, (progress) => lines.add(progress)));
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatUpgrade(report));
    process.exitCode = exitCodeOf(report, failOnCut);
  });
}

/** What runs here, whatever links lead to it: they may lead elsewhere tomorrow. */
function ownProgram(): string {
  const [, program] = process.argv;
  if (program === undefined) throw new DaemonError('E_INTERNAL', 'Node does not say what it runs');
  return realpathSync(program);
}

function exitCodeOf({ verdict, cut }: UpgradeReport, failOnCut: boolean): ExitCode | typeof CUT {
  if (verdict === 'pre-empted') return EXIT.tryLater;
  if (verdict !== 'done') return EXIT.failed;
  return failOnCut && cut > 0 ? CUT : EXIT.ok;
}
