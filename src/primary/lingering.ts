/**
 * Runs in the primary. The end of a daemon that has stopped: everything is closed, so its process ends by itself. If it
 * does not, because somebody's code holds it (a module of NODE_OPTIONS, a fault of ours), it says what does, and goes.
 */
import { systemClock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';

/** What is being closed gets that long, in milliseconds. */
const PATIENCE = 2000;

/** The exit code is `process.exitCode`. */
export function endAnyway(emit: Emit): void {
  systemClock.after(PATIENCE, () => {
    emit('daemon.lingering', { ms: PATIENCE, resources: process.getActiveResourcesInfo() });
    process.exit();
  });
}
