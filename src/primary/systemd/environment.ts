/** Runs in the process that becomes the primary, first of all. What systemd tells the process that it has started. */

/** A listening socket that was opened before this process, by a socket unit. */
export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName= of its unit; null when it has none. */
  readonly name: string | null;
}

export interface ServiceManager {
  /** Where notifications go; null when nobody wants any. */
  readonly notifySocket: string | null;
  /** How often a sign of life is wanted, in milliseconds; null: never. */
  readonly watchdog: number | null;
  /** In the order of the unit: those for calls, and those named "admin". */
  readonly sockets: readonly PassedSocket[];
  readonly adminSockets: readonly PassedSocket[];
  /** What was said and cannot be meant for this process; it goes without. */
  readonly warnings: readonly string[];
}

/** 0, 1 and 2 are standard input, output and error (sd_listen_fds(3), SD_LISTEN_FDS_START). */
const FIRST_FD = 3;
/** Above any limit of open files that a unit has; more is a mistake. */
const MOST_SOCKETS = 1024;

/** FileDescriptorName= of sockets for the admin page. */
const ADMIN = 'admin';

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES'] as const;
type Variables = Record<(typeof VARIABLES)[number], string | undefined>;

/**
 * Reads the variables of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3), and takes them out of the
 * environment: no child is meant by them.
 */
export function takeServiceManager(env: Record<string, string | undefined>, pid: number): ServiceManager {
  const variables = Object.fromEntries(VARIABLES.map((name) => [name, env[name] === '' ? undefined : env[name]])) as Variables;
  for (const name of VARIABLES) Reflect.deleteProperty(env, name);
  const warnings: string[] = [];
  const sockets = readSockets(variables, pid, warnings);
  return {
    notifySocket: variables.NOTIFY_SOCKET ?? null,
    watchdog: readWatchdog(variables, pid, warnings),
    sockets: sockets.filter(({ name }) => name !== ADMIN),
    adminSockets: sockets.filter(({ name }) => name === ADMIN),
    warnings,
  };
}

function readWatchdog({ WATCHDOG_USEC: time, WATCHDOG_PID: owner, NOTIFY_SOCKET: socket }: Variables, pid: number, warnings: string[]): number | null {
  // Without a process id it is meant for everyone in the unit.
  if (time === undefined || socket === undefined || (owner !== undefined && owner !== String(pid))) return null;
  const microseconds = readCount(time);
  if (microseconds !== null && microseconds > 0) return microseconds / 1000;
  warnings.push(`WATCHDOG_USEC is "${time}", not a number of microseconds; the watchdog gets no answer`);
  return null;
}

function readSockets({ LISTEN_FDS: text, LISTEN_PID: owner, LISTEN_FDNAMES: names }: Variables, pid: number, warnings: string[]): PassedSocket[] {
  if (text === undefined) return [];
  if (owner !== String(pid)) {
    warnings.push(`LISTEN_FDS is set, but LISTEN_PID is ${owner ?? 'missing'} and not ${pid}: the sockets are not for this process, which listens on host and port. A shell around the daemon has to exec it`);
    return [];
  }
  const count = readCount(text);
  if (count === null || count < 1 || count > MOST_SOCKETS) {
    warnings.push(`LISTEN_FDS is "${text}", not a number of sockets; this process listens on host and port`);
    return [];
  }
  const given = names?.split(':') ?? [];
  return Array.from({ length: count }, (_, index) => ({ fd: FIRST_FD + index, name: nameOf(given[index]) }));
}

/** "unknown" is what systemd calls a socket without a name. */
const nameOf = (name: string | undefined): string | null => (name === undefined || name === '' || name === 'unknown' ? null : name);

const readCount = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);
