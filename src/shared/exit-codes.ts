/**
 * Exit codes of the daemon, of its workers and of its commands. The numbers are those of sysexits.h where it
 * has a fitting one, so that scripts and systemd's `RestartPreventExitStatus=` can tell the causes apart.
 */
export const EXIT = {
  /** Done, or stopped as asked. */
  ok: 0,
  /** The command worked and its answer is "no": degraded, rolled back, failed. */
  failed: 1,
  /** `status`: no daemon runs (the code that service managers expect of a status command). */
  notRunning: 3,
  /** The command line cannot be understood (EX_USAGE). */
  usage: 64,
  /** No daemon answers (EX_UNAVAILABLE). */
  unavailable: 69,
  /** Workers cannot be made ready (EX_SOFTWARE). */
  workersCannotBoot: 70,
  /** The operating system refused: port taken, address not ours (EX_OSERR). */
  osError: 71,
  /** The runtime folder or the control socket cannot be made (EX_CANTCREAT). */
  cannotCreate: 73,
  /** Already running, or pre-empted by a stop: try again later (EX_TEMPFAIL). */
  tryLater: 75,
  /** This user may not do that (EX_NOPERM). */
  noPermission: 77,
  /** Config, certificate or servicer is wrong; starting again changes nothing (EX_CONFIG). */
  config: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
