/** Finds a running daemon and talks to it. The other half is src/primary/control-server.ts. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { InspectOrder, InspectResult, ReloadProgress, ReloadReport, Status, UpgradeOrder, UpgradeProgress, UpgradeReport } from '../control/definition.js';
import { isListening } from '../control/probe-socket.js';
import { currentEnvironment, runtimeBases, runtimeFiles, type RuntimeFiles, type RuntimeState } from '../control/runtime-dir.js';
import { DaemonError } from '../shared/errors.js';

/** How long the primary may take to answer, in milliseconds; it answers from memory. */
const ANSWER_TIMEOUT = 5000;

export interface Target {
  readonly name?: string | undefined;
  readonly runtimeDir?: string | undefined;
  /** A config file: the daemon that was started with it. */
  readonly config?: string | undefined;
}

/** A daemon that was found running. */
export interface FoundDaemon {
  readonly files: RuntimeFiles;
  readonly state: RuntimeState;
}

/**
 * The one running daemon that fits.
 * @throws DaemonError E_NOT_RUNNING, or E_AMBIGUOUS with the list of those that fit
 */
export async function findDaemon(target: Target): Promise<FoundDaemon> {
  const { runtimeDir = null, config } = target;
  let running = await findRunning(target, runtimeDir);
  if (running.length === 0 && runtimeDir === null && config !== undefined) {
    // The last place to look, because reading the file takes a process.
    const configured = await runtimeDirOf(config);
    if (configured !== null) running = await findRunning(target, configured);
  }
  const [only, ...others] = running;
  if (only === undefined) {
    const wanted = target.name === undefined ? '' : ` named "${target.name}"`;
    throw new DaemonError('E_NOT_RUNNING', `No daemon${wanted} is running`);
  }
  if (others.length > 0) {
    const list = running.map(({ state }) => `  --name ${state.name}  pid ${state.pid}  ${state.configFile ?? ''}`.trimEnd());
    throw new DaemonError('E_AMBIGUOUS', `${running.length} daemons run:\n${list.join('\n')}`);
  }
  return only;
}

async function findRunning(target: Target, runtimeDir: string | null): Promise<FoundDaemon[]> {
  const running: FoundDaemon[] = [];
  for (const base of runtimeBases(runtimeDir, currentEnvironment())) {
    for (const name of namesIn(base)) {
      const files = runtimeFiles(base, name);
      const state = readState(files.state);
      if (state !== null && matches(state, target) && (await isListening(files.socket))) running.push({ files, state });
    }
  }
  return running;
}

/** What a config file says where its daemon is; null when it says nothing, or is broken. */
async function runtimeDirOf(config: string): Promise<string | null> {
  const { loadSettings } = await import('./settings.js');
  return loadSettings({ config }).then((settings) => settings.config.runtimeDir, () => null);
}

function matches(state: RuntimeState, { name, config }: Target): boolean {
  if (name !== undefined && state.name !== name) return false;
  return config === undefined || state.configFile === realPath(config);
}

const realPath = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

function namesIn(base: string): string[] {
  try {
    return readdirSync(base, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function readState(file: string): RuntimeState | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RuntimeState;
  } catch {
    return null;
  }
}

type Answer<T> = (error: ServiceError | null, value: T) => void;
interface Options {
  readonly deadline?: number;
}

interface ControlCalls {
  getStatus(message: object, options: Options, callback: Answer<Status>): void;
  watch(message: { intervalMs: number }, options: Options): ClientReadableStream<Status>;
  reload(message: { sameConfig: boolean }, options: Options): ClientReadableStream<ReloadEvent>;
  scale(message: { workers: number }, options: Options, callback: Answer<{ before: number; after: number }>): void;
  setLogLevel(message: { level: string }, options: Options, callback: Answer<object>): void;
  inspect(message: InspectOrder, options: Options, callback: Answer<InspectResult>): void;
  upgrade(message: UpgradeOrder, options: Options): ClientReadableStream<UpgradeEvent>;
  stop(message: { quick: boolean }, options: Options, callback: Answer<{ pid: number }>): void;
  close(): void;
}

interface ReloadEvent {
  readonly progress?: ReloadProgress;
  readonly report?: ReloadReport;
}

interface UpgradeEvent {
  readonly progress?: UpgradeProgress;
  readonly report?: UpgradeReport;
}

/** Runs `use` with a client of the daemon's control API, and closes it. */
export async function withControl<T>(found: FoundDaemon, use: (control: ControlClient) => Promise<T>): Promise<T> {
  const control = await connectControl(found);
  try {
    return await use(control);
  } finally {
    control.close();
  }
}

/** A client of the daemon's control API; to be closed. */
export async function connectControl({ files }: FoundDaemon): Promise<ControlClient> {
  // Loaded only here: most commands ask no daemon, and this is two thirds of what they would load.
  const [{ credentials }, { controlService }, { fromRefusal }] = await Promise.all([
    import('@grpc/grpc-js'),
    import('../control/definition.js'),
    import('../control/refusal.js'),
  ]);
  const calls = new (controlService())(`unix:${files.socket}`, credentials.createInsecure()) as unknown as ControlCalls;
  return new ControlClient(calls, fromRefusal);
}

export class ControlClient {
  readonly #calls: ControlCalls;
  readonly #fromRefusal: (error: ServiceError) => DaemonError | undefined;

  constructor(calls: ControlCalls, fromRefusal: (error: ServiceError) => DaemonError | undefined) {
    this.#calls = calls;
    this.#fromRefusal = fromRefusal;
  }

  status(): Promise<Status> {
    return this.#ask<Status>((options, done) => this.#calls.getStatus({}, options, done)).then(inOrder);
  }

  /**
   * The status again and again, until the loop is left, the signal aborts, or the daemon is gone.
   * @param intervalMs in milliseconds
   */
  async *watch(intervalMs: number, signal?: AbortSignal): AsyncGenerator<Status> {
    for await (const status of readAll(this.#calls.watch({ intervalMs }, {}), signal)) yield inOrder(status);
  }

  /** @param onProgress called while it runs @param signal stops the wait, not the reload */
  async reload(sameConfig: boolean, onProgress: (progress: ReloadProgress) => void, signal?: AbortSignal): Promise<ReloadReport> {
    for await (const { progress, report } of readAll(this.#calls.reload({ sameConfig }, {}), signal)) {
      if (report !== undefined) return report;
      if (progress !== undefined) onProgress(progress);
    }
    throw new DaemonError('E_CONTROL', 'The daemon ended before the reload did');
  }

  /** @param workers 0 goes back to what the config says */
  scale(workers: number): Promise<{ before: number; after: number }> {
    return this.#ask((options, done) => this.#calls.scale({ workers }, options, done));
  }

  async setLogLevel(level: string): Promise<void> {
    await this.#ask<object>((options, done) => this.#calls.setLogLevel({ level }, options, done));
  }

  inspect(order: InspectOrder): Promise<InspectResult> {
    // How long a heap takes to be written, the primary knows.
    const timeout = order.heapSnapshot === '' ? ANSWER_TIMEOUT : Infinity;
    return this.#ask((options, done) => this.#calls.inspect(order, options, done), timeout);
  }

  /** @param onProgress called while it runs @throws DaemonError E_UPGRADE when the daemon is of a version that cannot do it */
  async upgrade(order: UpgradeOrder, onProgress: (progress: UpgradeProgress) => void): Promise<UpgradeReport> {
    let last: UpgradeProgress | null = null;
    try {
      for await (const { progress, report } of readAll(this.#calls.upgrade(order, {}))) {
        if (report !== undefined) return report;
        if (progress !== undefined) onProgress((last = progress));
      }
    } catch (error) {
      if (isUnknownMethod(error)) {
        throw new DaemonError('E_UPGRADE', 'The running daemon is of a version that cannot be replaced while it serves', { hint: 'Restart it this once.' });
      }
      if (last === null) throw error;
    }
    const serving = last?.stage === 'draining' ? `, pid ${last.pid} serves` : '';
    throw new DaemonError('E_CONTROL', `The old daemon ended before the upgrade did${serving}`);
  }

  stop(quick: boolean): Promise<{ pid: number }> {
    return this.#ask((options, done) => this.#calls.stop({ quick }, options, done));
  }

  close(): void {
    this.#calls.close();
  }

  #ask<T>(call: (options: Options, done: Answer<T>) => void, timeout = ANSWER_TIMEOUT): Promise<T> {
    return new Promise((resolve, reject) => {
      call({ deadline: Date.now() + timeout }, (error, value) => {
        if (error === null) resolve(value);
        else reject(this.#fromRefusal(error) ?? noAnswer(error));
      });
    });
  }
}

async function* readAll<T>(stream: ClientReadableStream<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const cancel = (): void => stream.cancel();
  signal?.addEventListener('abort', cancel);
  try {
    for await (const message of stream) yield message as T;
  } catch (error) {
    if (signal?.aborted !== true) throw noAnswer(error as ServiceError);
  } finally {
    signal?.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

/** The status of a method that the other end does not know. */
const UNIMPLEMENTED = 12;
const isUnknownMethod = (error: unknown): boolean => (error as { readonly cause?: { readonly code?: number } }).cause?.code === UNIMPLEMENTED;

/** proto-loader puts lists first; people want the name first. */
function inOrder(status: Status): Status {
  const { name, version, health, primary, goal, address, port, tls, services, problems, workers, ...rest } = status;
  return { name, version, health, primary, goal, address, port, tls, services, problems, ...rest, workers };
}

function noAnswer(error: ServiceError): DaemonError {
  return new DaemonError('E_CONTROL', `The daemon did not answer: ${error.details}`, { cause: error });
}
