import { Command } from 'commander';
import type { Status } from '../../control/definition.js';
import { DaemonError } from '../../shared/errors.js';
import { EXIT } from '../../shared/exit-codes.js';
import { findDaemon, withControl, type FoundDaemon } from '../control-client.js';
import { followStatus } from '../follow-status.js';
import { formatStatus } from '../format-status.js';
import { InPlace } from '../in-place.js';
import { untilInterrupted } from '../interruption.js';
import { styleFor } from '../output.js';
import { addTargetFlags, targetOf } from '../target-flags.js';

interface Flags {
  readonly json?: boolean;
  /** Seconds; true when none are given. */
  readonly watch?: string | true;
}

export function statusCommand(): Command {
  const command = new Command('status').description('Show what runs; exit 0 healthy, 1 not, 3 not running');
  addTargetFlags(command)
    .option('-w, --watch [seconds]', 'show it again and again, until Ctrl-C or until the daemon is gone')
    .option('--json', 'print JSON; with --watch one line each time');
  return command.action(async ({ json = false, watch }: Flags) => {
    const interval = watch === undefined ? null : parseInterval(watch);
    try {
      const found = await findDaemon(targetOf(command));
      if (interval === null) await showOnce(found, json);
      else await showAgain(found, interval, json);
    } catch (error) {
      if (!(error instanceof DaemonError) || error.code !== 'E_NOT_RUNNING') throw error;
      process.stdout.write(json ? `${JSON.stringify({ health: 'not running' })}\n` : `${error.message}.\n`);
      process.exitCode = EXIT.notRunning;
    }
  });
}

async function showOnce(found: FoundDaemon, json: boolean): Promise<void> {
  const status = await withControl(found, (control) => control.status());
  process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : render(status));
  process.exitCode = status.health === 'healthy' ? EXIT.ok : EXIT.failed;
}

/** On a terminal after every change; elsewhere a block (or with `json` a line) every `interval` milliseconds. */
async function showAgain(found: FoundDaemon, interval: number, json: boolean): Promise<void> {
  const { signal } = untilInterrupted();
  const screen = process.stdout.isTTY && !json ? new InPlace(process.stdout) : null;
  let next = 0;
  for await (const status of followStatus(found, interval, signal)) {
    // The last one stays on the screen while a restart is waited for.
    if (status === null) continue;
    if (screen !== null) {
      screen.draw(render(status));
    } else if (performance.now() >= next) {
      // News come between the intervals too; timers are late, never early, so that none is missed.
      next = performance.now() + interval - TIMER_SLACK;
      process.stdout.write(json ? `${JSON.stringify(status)}\n` : `${render(status)}\n`);
    }
  }
  if (!signal.aborted) throw new DaemonError('E_NOT_RUNNING', `The daemon "${found.state.name}" is gone`);
}

/** What timers of two processes may be apart, in milliseconds. */
const TIMER_SLACK = 20;

function render(status: Status): string {
  const { stdout } = process;
  return formatStatus(status, { width: stdout.isTTY ? stdout.columns : Infinity, style: styleFor(stdout), now: Date.now() });
}

/** Milliseconds. */
function parseInterval(seconds: string | true): number {
  if (seconds === true) return 1000;
  const ms = /^\d+(\.\d+)?$/.test(seconds) ? Number(seconds) * 1000 : NaN;
  if (ms >= 100 && ms <= 3_600_000) return ms;
  throw new DaemonError('E_USAGE', `"${seconds}" is no interval`, { hint: 'Give seconds, from 0.1 to 3600.' });
}
