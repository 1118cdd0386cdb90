import { Command } from 'commander';
import type { ReloadReport } from '../../control/definition.js';
import { EXIT, type ExitCode } from '../../shared/exit-codes.js';
import { findDaemon, withControl } from '../control-client.js';
import { formatReport, ProgressLines } from '../format-reload.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

interface Flags {
  readonly wait: boolean;
  readonly json?: boolean;
  readonly failOnCut?: boolean;
  readonly sameConfig?: boolean;
}

/** Exit code of `--fail-on-cut` when calls had to be cut. */
const CUT = 2;

export function reloadCommand(): Command {
  const command = new Command('reload').description('Replace the workers: new config and code, no failed call');
  addTargetFlags(command)
    .option('--no-wait', 'do not wait for the verdict')
    .option('--fail-on-cut', 'exit 2 when calls had to be cut')
    .option('--same-config', 'read no config; only the code is loaded anew (as SIGUSR2)')
    .option('--json', 'print the report as JSON');
  return command.action(async ({ wait, json = false, failOnCut = false, sameConfig = false }: Flags) => {
    const found = await findDaemon(targetOf(command));
    if (!wait) {
      process.kill(found.state.pid, sameConfig ? 'SIGUSR2' : 'SIGHUP');
      return;
    }
    const lines = new ProgressLines((line) => {
      if (!json) process.stdout.write(`${line}\n`);
    });
    const report = await withControl(found, (control) => control.reload(sameConfig, (progress) => lines.add(progress)));
    process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
    process.exitCode = exitCodeOf(report, failOnCut);
  });
}

function exitCodeOf(report: ReloadReport, failOnCut: boolean): ExitCode | typeof CUT {
  if (report.verdict === 'pre-empted') return EXIT.tryLater;
  if (report.verdict !== 'done') return EXIT.failed;
  return failOnCut && report.drained.some(({ cut }) => cut.length > 0) ? CUT : EXIT.ok;
}
