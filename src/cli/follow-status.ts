import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Status } from '../control/definition.js';
import { DaemonError } from '../shared/errors.js';
import { connectControl, findDaemon, type FoundDaemon } from './control-client.js';

/** How long a daemon that is gone is waited for, in milliseconds: a restart is no reason to stop looking. */
const RESTART_GRACE = 3000;
const LOOK_INTERVAL = 100;

/**
 * The status of a daemon after every change, and at least every `intervalMs`; null when the connection is lost.
 * Follows the daemon of that name through restarts. Ends when the daemon stays away, or when the signal aborts.
 */
export async function* followStatus(found: FoundDaemon, intervalMs: number, signal: AbortSignal): AsyncGenerator<Status | null> {
  let daemon: FoundDaemon | null = found;
  // Asked each time anew: it aborts while others run.
  const isOver = (): boolean => signal.aborted;
  while (daemon !== null && !isOver()) {
    yield* watch(daemon, intervalMs, signal);
    if (isOver()) return;
    yield null;
    daemon = await waitForRestart(found, signal);
  }
}

async function* watch(daemon: FoundDaemon, intervalMs: number, signal: AbortSignal): AsyncGenerator<Status> {
  const control = await connectControl(daemon);
  try {
    yield* control.watch(intervalMs, signal);
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'E_CONTROL') throw error;
  } finally {
    control.close();
  }
}

async function waitForRestart({ files, state }: FoundDaemon, signal: AbortSignal): Promise<FoundDaemon | null> {
  const target = { name: state.name, runtimeDir: dirname(files.folder) };
  for (let waited = 0; waited < RESTART_GRACE && !signal.aborted; waited += LOOK_INTERVAL) {
    await delay(LOOK_INTERVAL);
    const daemon = await findDaemon(target).catch(() => null);
    if (daemon !== null) return daemon;
  }
  return null;
}
