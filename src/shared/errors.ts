import { inspect } from 'node:util';
import { EXIT, type ExitCode } from './exit-codes.js';

interface CatalogueEntry {
  readonly exitCode: ExitCode;
  /** What this error means, for the page docs/errors.md. */
  readonly meaning: string;
  /** What to do when the place that raised it knows nothing better. */
  readonly hint: string;
}

/** Every error that a person can meet. A test proves that each is thrown somewhere and documented. */
export const ERRORS = {
  E_USAGE: {
    exitCode: EXIT.usage,
    meaning: 'The command line has an unknown command or flag, or a value that does not fit.',
    hint: 'See grpcserverd --help.',
  },
  E_CONFIG_FILE: {
    exitCode: EXIT.config,
    meaning: 'The config file cannot be found, read, parsed or run.',
    hint: 'Mend the file, then run grpcserverd check.',
  },
  E_CONFIG_KEY: {
    exitCode: EXIT.config,
    meaning: 'A key is not an option of grpcserverd.',
    hint: 'docs/options.md lists every key.',
  },
  E_CONFIG_VALUE: {
    exitCode: EXIT.config,
    meaning: 'An option has a value that does not fit, or two options contradict each other.',
    hint: 'docs/options.md says what each option accepts.',
  },
  E_CERTIFICATE: {
    exitCode: EXIT.config,
    meaning: 'A certificate or key is missing, unreadable, expired, or does not match its pair.',
    hint: 'Make a development set with: grpcserverd certs DIR',
  },
  E_SERVICER: {
    exitCode: EXIT.config,
    meaning: 'A servicer cannot be loaded, has no grpcHook, or adds a service that is there already.',
    hint: 'A servicer exports grpcHook(server, context), which adds services to the server.',
  },
  E_SERVICER_HOOK: {
    exitCode: EXIT.workersCannotBoot,
    meaning: "A servicer's grpcHook threw or rejected. It may work the next time, so it is tried again for a while.",
    hint: 'Mend the hook, or what it waits for: a database, a file, another service.',
  },
  E_SERVICER_TIMEOUT: {
    exitCode: EXIT.workersCannotBoot,
    meaning: "A servicer's grpcHook returned a promise that did not settle within startTimeout.",
    hint: 'Look for an await that never ends, or raise startTimeout.',
  },
  E_INTERCEPTOR: {
    exitCode: EXIT.config,
    meaning: 'An interceptor cannot be loaded or is not a function.',
    hint: 'An interceptor module exports a grpc-js ServerInterceptor: (methodDescriptor, call) => ServerInterceptingCall.',
  },
  E_WORKER_BOOT: {
    exitCode: EXIT.workersCannotBoot,
    meaning: 'No worker became ready at the first start.',
    hint: 'The first error is the cause; grpcserverd check shows it without starting anything.',
  },
  E_ADDRESS: {
    exitCode: EXIT.osError,
    meaning: 'The address cannot be listened on: taken, not of this machine, or refused by the system.',
    hint: 'Choose another host or port.',
  },
  E_ADDRESS_PERMISSION: {
    exitCode: EXIT.noPermission,
    meaning: 'This user may not listen on that address.',
    hint: 'Use a port of 1024 or above, or grant CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=).',
  },
  E_RUNTIME_DIR: {
    exitCode: EXIT.cannotCreate,
    meaning: 'The runtime folder, the pidfile or the control socket cannot be made.',
    hint: 'Set runtimeDir to a folder that this user may write.',
  },
  E_ALREADY_RUNNING: {
    exitCode: EXIT.tryLater,
    meaning: 'A daemon of this name runs already.',
    hint: 'Stop it, or start this one with another --name.',
  },
  E_NOT_RUNNING: {
    exitCode: EXIT.unavailable,
    meaning: 'No daemon answers on the control socket.',
    hint: 'Start one with: grpcserverd start',
  },
  E_AMBIGUOUS: {
    exitCode: EXIT.usage,
    meaning: 'Several daemons run and the command names none.',
    hint: 'Name one with --name.',
  },
  E_CONTROL: {
    exitCode: EXIT.unavailable,
    meaning: 'The daemon was found, but its control socket did not answer as expected.',
    hint: 'See the log of the daemon.',
  },
  E_WORKER: {
    exitCode: EXIT.failed,
    meaning: 'The worker that was asked for something does not answer, or cannot do it now.',
    hint: 'grpcserverd status shows what the workers do.',
  },
  E_UPGRADE: {
    exitCode: EXIT.failed,
    meaning: 'The daemon cannot be replaced by a new one now, or the new one did not become ready. The old one serves on.',
    hint: 'docs/upgrade.md says what an upgrade needs; the log of the daemon has what the new one said.',
  },
  E_FILE_EXISTS: {
    exitCode: EXIT.cannotCreate,
    meaning: 'A file that the command would write exists already, or cannot be written.',
    hint: 'Name another folder, or remove the file.',
  },
  E_INTERNAL: {
    exitCode: EXIT.failed,
    meaning: 'A fault of grpcserverd itself.',
    hint: 'Please report it, with the text above.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The form in which an error crosses a process boundary. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  /** The stack or the frame of source around the fault; for the log and for `check`, never for a client. */
  readonly detail?: string;
}

interface DaemonErrorOptions {
  readonly hint?: string;
  readonly detail?: string;
  readonly cause?: unknown;
}

/** An error for people: what happened and where (`message`), what to do (`hint`), how to exit (`exitCode`). */
export class DaemonError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: DaemonErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'DaemonError';
    this.code = code;
    this.hint = options.hint ?? ERRORS[code].hint;
    this.detail = options.detail;
  }

  get exitCode(): ExitCode {
    return ERRORS[this.code].exitCode;
  }

  toData(): ErrorData {
    const { code, message, hint, detail } = this;
    return { code, message, hint, ...(detail === undefined ? {} : { detail }) };
  }

  static fromData(data: ErrorData): DaemonError {
    const { code, message, hint, detail } = data;
    return new DaemonError(code, message, { hint, ...(detail === undefined ? {} : { detail }) });
  }

  /** Passes a DaemonError through and makes an E_INTERNAL of anything else. */
  static from(error: unknown): DaemonError {
    if (error instanceof DaemonError) return error;
    const { message, stack } = toError(error);
    return new DaemonError('E_INTERNAL', message, { cause: error, ...(stack === undefined ? {} : { detail: stack }) });
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(typeof thrown === 'string' ? thrown : inspect(thrown));
}

/** The `code` of a system error (`EADDRINUSE`, `ENOENT`...), if it has one. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
