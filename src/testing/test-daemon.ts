// The real daemon in a process of its own, for tests of what only it can show: several workers, reloads, signals.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { ListeningTarget, type TestTarget } from './test-target.js';

export interface TestDaemonOptions {
  /** The path of a config file; else the one that `grpcserverd start` finds in the folder. */
  readonly config?: string;
  /** Instead of the config's, as it names them. */
  readonly servicers?: readonly string[];
  /** More of the command line, such as `['--max-workers', '2']`. */
  readonly args?: readonly string[];
  /** On top of this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the daemon runs and relative paths start; the current folder if it is not given. */
  readonly folder?: string;
  /** What clients connect with; without TLS if it is not given. */
  readonly credentials?: ChannelCredentials;
  /** How long it may take to be ready, in milliseconds; 30,000 if it is not given. */
  readonly startTimeout?: number;
}

export interface TestDaemon extends TestTarget {
  /** Of the primary, for signals. */
  readonly pid: number;
  /** All it has printed so far: a line of JSON for each event. */
  readonly output: string;
}

const BIN = fileURLToPath(new URL('../../bin/grpcserverd.js', import.meta.url));
/** How long a stop may take beyond the daemon's own limits for calls, in milliseconds. */
const STOP_TIMEOUT = 60_000;

/**
 * Starts the daemon on a free port of 127.0.0.1, with a runtime folder of its own, and waits until it is ready.
 * Closing it is a graceful stop.
 *
 * @throws Error with what it printed when it ends before it is ready, or is not ready in time
 */
export async function startTestDaemon(options: TestDaemonOptions = {}): Promise<TestDaemon> {
  const folder = resolve(options.folder ?? '.');
  const runtimeDir = mkdtempSync(join(tmpdir(), 'grpcserverd-'));
  const child = spawn(process.execPath, [BIN, 'start', ...flags(options, runtimeDir)], {
    cwd: folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = new Run(child, runtimeDir);
  try {
    const port = await run.ready(options.startTimeout ?? 30_000);
    return new SpawnedDaemon(run, port, folder, options.credentials);
  } catch (error) {
    child.kill('SIGKILL');
    await run.ended;
    throw error;
  }
}

function flags({ config, servicers = [], args = [] }: TestDaemonOptions, runtimeDir: string): string[] {
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...servicers.flatMap((servicer) => ['--servicers', servicer]),
    '--host', '127.0.0.1', '--port', '0', '--runtime-dir', runtimeDir, '--log-format', 'json', '--log-level', 'info',
    ...args,
  ];
}

/** The process, and what it says. */
class Run {
  readonly child: ChildProcess;
  /** When it has ended and all it printed was read. */
  readonly ended: Promise<void>;
  output = '';
  readonly #port: Promise<number>;

  constructor(child: ChildProcess, runtimeDir: string) {
    this.child = child;
    // A test that ends without closing it must not leave it behind.
    const kill = (): void => void child.kill();
    process.once('exit', kill);
    this.ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        this.output += String(error);
        resolve();
      });
      child.once('close', () => resolve());
    }).then(() => {
      process.off('exit', kill);
      rmSync(runtimeDir, { recursive: true, force: true });
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#port = new Promise((resolve) => {
      let port = 0;
      if (child.stdout === null) return;
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.output += `${line}\n`;
        const event = parse(line);
        if (event.event === 'daemon.listening' && typeof event.port === 'number') port = event.port;
        if (event.event === 'daemon.ready') resolve(port);
      });
    });
  }

  /** Its port, once the whole fleet is ready. */
  async ready(timeout: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`The daemon was not ready within ${timeout} ms.\n${this.output}`)), timeout);
    });
    const early = this.ended.then(() => {
      throw new Error(`The daemon ended before it was ready.\n${this.output}`);
    });
    try {
      return await Promise.race([this.#port, late, early]);
    } finally {
      clearTimeout(timer);
    }
  }
}

class SpawnedDaemon extends ListeningTarget implements TestDaemon {
  readonly #run: Run;

  constructor(run: Run, port: number, folder: string, credentials: ChannelCredentials | undefined) {
    super({ port, folder, credentials });
    this.#run = run;
  }

  get pid(): number {
    return this.#run.child.pid ?? 0;
  }

  get output(): string {
    return this.#run.output;
  }

  protected override async end(): Promise<void> {
    const { child, ended } = this.#run;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT);
    await ended;
    clearTimeout(timer);
  }
}

/** A line of the log; nothing when it is something else that was printed. */
function parse(line: string): { readonly event?: unknown; readonly port?: unknown } {
  try {
    return (JSON.parse(line) ?? {}) as object;
  } catch {
    return {};
  }
}
