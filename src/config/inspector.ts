/** The asking half of the inspector, a child that runs users' code for processes which never do. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { DaemonError } from '../shared/errors.js';
import { formatDuration } from '../shared/quantity.js';
import type { FromInspector, ToInspector } from './inspection.js';
import type { Config } from './options.js';
import { displayPath } from './origin.js';
import { preloadArguments } from './preload.js';

const PROGRAM = new URL('../worker/inspector.js', import.meta.url);
/** How long a config module may take, in milliseconds. */
const CONFIG_TIMEOUT = 30_000;
/** What the inspector gets on top of the time that its servicers have, to start and to report. */
const STARTUP_ALLOWANCE = 5000;
/** These end a process that does not listen for them without a chance to take its children along. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface Inspection {
  readonly order: ToInspector;
  readonly timeout: number;
  readonly execArgv: readonly string[];
  onTimeout(): DaemonError;
  /** The child ended without an answer; `how` fits after "ended". */
  onEnd(how: string): DaemonError;
}

/**
 * What a config file holds, as data.
 *
 * @param file absolute path
 * @throws {DaemonError} E_CONFIG_FILE or E_CONFIG_VALUE
 */
export async function loadConfigFile(file: string, timeout = CONFIG_TIMEOUT): Promise<unknown> {
  const shown = displayPath(file, process.cwd());
  const answer = await inspect({
    order: { type: 'load-config', file },
    timeout,
    execArgv: [],
    onTimeout: () =>
      new DaemonError('E_CONFIG_FILE', `${shown} was not loaded within ${formatDuration(timeout)}`, {
        hint: 'Look for an await or a loop in it that never ends.',
      }),
    onEnd: (how) =>
      new DaemonError('E_CONFIG_FILE', `${shown} ended the process that loaded it (${how})`, {
        hint: 'Look for a call of process.exit in it, or in what it imports.',
      }),
  });
  return answer.type === 'config' ? answer.data : null;
}

/**
 * Services and interceptors of a config; its servicers are loaded and their hooks run.
 *
 * @throws {DaemonError} E_SERVICER, E_SERVICER_HOOK, E_SERVICER_TIMEOUT or E_INTERCEPTOR
 */
export async function inspectServices(
  config: Config,
  timeout = config.startTimeout + STARTUP_ALLOWANCE,
): Promise<Omit<Extract<FromInspector, { type: 'services' }>, 'type'>> {
  const answer = await inspect({
    order: { type: 'load-services', config },
    timeout,
    execArgv: [...config.nodeArguments, ...preloadArguments(config.preload)],
    onTimeout: () =>
      new DaemonError('E_SERVICER_TIMEOUT', `the servicers were not loaded within ${formatDuration(timeout)}: one of them keeps the process busy`, {
        hint: 'Look for a loop that never ends.',
      }),
    onEnd: (how) =>
      new DaemonError('E_SERVICER', `a servicer or interceptor ended the process that loaded it (${how})`, {
        hint: `Look for a call of process.exit in your modules${config.nodeArguments.length > 0 ? ', or for one of nodeArguments that node refuses' : ''}.`,
      }),
  });
  return answer.type === 'services' ? answer : { services: [], interceptors: [] };
}

async function inspect(inspection: Inspection): Promise<Exclude<FromInspector, { type: 'failed' }>> {
  // What users' code prints goes to standard error: standard output is the answer of the command.
  const child = fork(PROGRAM, { execArgv: [...inspection.execArgv], stdio: ['ignore', 2, 2, 'ipc'], serialization: 'advanced' });
  const release = takeAlong(child);
  try {
    const answer = await firstAnswer(child, inspection);
    if (answer.type === 'failed') throw DaemonError.fromData(answer.error);
    return answer;
  } finally {
    release();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) await once(child, 'exit');
  }
}

function firstAnswer(child: ChildProcess, inspection: Inspection): Promise<FromInspector> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(inspection.onTimeout()), inspection.timeout);
    child.once('message', (message) => {
      clearTimeout(timer);
      // Sent by worker/inspector.ts, which can send nothing else.
      resolve(message as FromInspector);
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      const end = (): void => reject(inspection.onEnd(signal ?? `exit code ${code}`));
      // What it said before it ended may still be on its way.
      if (child.connected) child.once('disconnect', end);
      else end();
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    // When it cannot be sent, the child has ended, and "exit" tells how.
    child.send(inspection.order, () => undefined);
  });
}

/** Lets no child outlive this process, even one that is stuck in a loop. Returns what undoes it. */
function takeAlong(child: ChildProcess): () => void {
  const kill = (): void => void child.kill('SIGKILL');
  const killAndFollow = (signal: NodeJS.Signals): void => {
    kill();
    release();
    process.kill(process.pid, signal);
  };
  // Whoever listens for a signal decides what it does; then "exit" is enough.
  const signals = ENDING_SIGNALS.filter((signal) => process.listenerCount(signal) === 0);
  const release = (): void => {
    process.off('exit', kill);
    for (const signal of signals) process.off(signal, killAndFollow);
  };
  process.on('exit', kill);
  for (const signal of signals) process.on(signal, killAndFollow);
  return release;
}
