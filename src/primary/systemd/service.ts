/** Runs in the primary. The daemon as a service of systemd. */
import { systemClock, type Clock } from '../../shared/clock.js';
import type { Emit } from '../../shared/events.js';
import type { Reloader } from '../reloader.js';
import type { Supervisor } from '../supervisor.js';
import type { Watchers } from '../watchers.js';
import type { ServiceManager } from './environment.js';
import { Notifier } from './notifier.js';
import { notifySocket } from './notify-socket.js';
import { ailmentOf, statusLine, type ServiceView } from './status-line.js';
import { Watchdog } from './watchdog.js';

export type { ServiceManager } from './environment.js';

export interface ServiceParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly supervisor: Supervisor;
  readonly reloader: Reloader;
  /** Tells of whatever may change the status line. */
  readonly watchers: Watchers;
  /** See NotifierParts. */
  readonly heir: number | undefined;
  readonly onClose: (close: () => void) => void;
}

/** Null when the daemon runs without a systemd that wants to know. */
export function openService({ notifySocket: socket, watchdog: period }: ServiceManager, parts: ServiceParts): Notifier | null {
  if (socket === null) return null;
  const { clock, emit, watchers, heir, onClose } = parts;
  const notifier = new Notifier({
    clock,
    emit,
    heir,
    send: notifySocket(socket),
    // CLOCK_MONOTONIC is the clock that systemd means, and that hrtime reads on Linux.
    microseconds: () => process.hrtime.bigint() / 1000n,
    status: () => statusLine(viewOf(parts)),
  });
  onClose(() => notifier.close());
  watchers.add(() => notifier.update());
  if (period !== null) {
    const watchdog = new Watchdog({ clock: systemClock, emit, period, ailment: () => ailmentOf(viewOf(parts)), ping: () => notifier.ping() });
    onClose(() => watchdog.close());
  }
  return notifier;
}

function viewOf({ supervisor, reloader }: ServiceParts): ServiceView {
  const { workers, phase, plan } = supervisor;
  return {
    phase,
    workers: workers.length,
    ready: workers.filter(({ state }) => state === 'ready').length,
    goal: plan.goal.workers,
    generation: plan.goal.generation,
    stage: reloader.progress?.stage ?? null,
    last: reloader.last,
  };
}
