import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync } from 'node:fs';
import type { UserConfig } from '#src/config/options.js';
import type { ReloadReport, Status } from '#src/control/definition.js';
import type { EventName } from '#src/shared/events.js';
import { runCli, testEnvironment, type CliResult } from './cli.js';
import { DaemonLog, type LogRecord, type Match } from './daemon-log.js';
import { Deadline } from './deadline.js';
import { BIN, servicer } from './paths.js';
import { commandOf, processesMarked } from './processes.js';
import { TempDir } from './temp-dir.js';

/** Every process of a daemon inherits this variable, with a value of its own; so none can hide. */
const MARK = 'TEST_DAEMON_MARK';
const CONFIG_FILE = 'grpcserverd.config.json';

/** What every daemon of a test runs with unless the test says something else: the defaults, or `npm test -- --lean`, `--http2`. */
const MODES: Readonly<Record<string, NodeJS.ProcessEnv>> = {
  lean: { GRPCSERVERD_BALANCE: 'connection' },
  http2: { GRPCSERVERD_TRANSPORT: 'http2' },
};

/** As the environment of the daemon, which counts more than its file: so what the file says is left out. */
function modeOf({ transport, balance }: UserConfig = {}): NodeJS.ProcessEnv {
  if (transport === 'http2' || balance === 'rpc') return {};
  const env = { ...MODES[process.env.TEST_MODE ?? ''] };
  if (transport !== undefined) delete env.GRPCSERVERD_TRANSPORT;
  if (balance !== undefined) delete env.GRPCSERVERD_BALANCE;
  return env;
}

export interface DaemonOptions {
  /** Written to a JSON file, on top of one worker with the probe servicer on a free port of 127.0.0.1. */
  readonly config?: UserConfig;
  /** A whole config file instead. */
  readonly configText?: { readonly name: string; readonly text: string };
  /** More files for the daemon's folder: relative path -> content. */
  readonly files?: Readonly<Record<string, string>>;
  /** No config file at all. */
  readonly noConfig?: true;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The user to run as; needs root. */
  readonly uid?: number;
  /** What starts it, instead of the bin itself. */
  readonly launcher?: readonly [string, ...string[]];
  /** Descriptors of this process that it gets as 3, 4... */
  readonly passed?: readonly number[];
  /** Milliseconds for the whole life of the daemon in the test. */
  readonly deadline?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The real daemon, in a temporary folder of its own. Its disposal stops it and proves that nothing is left. */
export class Daemon implements AsyncDisposable {
  readonly dir = new TempDir();
  readonly log: DaemonLog;
  readonly exit: Promise<Exit>;
  readonly deadline: Deadline;
  readonly #process: ChildProcess;
  readonly #mark = randomUUID();
  readonly #env: NodeJS.ProcessEnv;
  readonly #closed: Promise<void>;
  /** Tells this daemon from others on the machine. */
  readonly #target: readonly string[];
  #config: UserConfig = { servicers: [servicer('probe.js')], maxWorkers: 1, host: '127.0.0.1', port: 0 };

  constructor(options: DaemonOptions) {
    this.deadline = new Deadline(options.deadline ?? 30_000);
    const runtime = this.dir.join('run');
    mkdirSync(runtime, { mode: 0o700 });
    const { uid } = options;
    if (uid !== undefined) for (const path of [this.dir.path, runtime]) chownSync(path, uid, uid);
    this.#env = testEnvironment({ XDG_RUNTIME_DIR: runtime, ...modeOf(options.config), ...options.env, [MARK]: this.#mark });
    for (const [name, text] of Object.entries(options.files ?? {})) this.dir.write(name, text);
    this.#target = options.noConfig ? [] : ['--config', this.#writeConfig(options)];
    const [program, ...words] = options.launcher ?? [process.execPath, BIN, 'start'];
    this.#process = spawn(program, [...words, ...this.#target, ...(options.args ?? [])], {
      env: this.#env,
      cwd: options.cwd ?? this.dir.path,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.passed ?? [])],
      // A process group of its own, so that a test can signal it as a terminal does.
      detached: true,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const { stdout, stderr } = this.#process;
    assert(stdout && stderr);
    this.log = new DaemonLog(stdout, stderr);
    this.exit = new Promise((resolve) => this.#process.once('exit', (code, signal) => resolve({ code, signal })));
    this.#closed = new Promise((resolve) => this.#process.once('close', () => resolve()));
  }

  get configFile(): string {
    return this.dir.join(CONFIG_FILE);
  }

  /** The environment in which commands find this daemon. */
  get env(): NodeJS.ProcessEnv {
    return this.#env;
  }

  get pid(): number {
    assert(this.#process.pid !== undefined, 'the daemon was not started');
    return this.#process.pid;
  }

  /** The bound port, once the daemon has said it. */
  get port(): number {
    const port = this.log.all('daemon.listening')[0]?.port;
    assert(typeof port === 'number', `no port yet\n${this.log.text}`);
    return port;
  }

  /** Where clients find it, for grpc. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The `count`th such line of the log, past or future. */
  waitFor(event: EventName, match?: Match, count?: number): Promise<LogRecord> {
    const early = this.#closed.then(() => Promise.reject(new Error(`It exited before ${event}\n${this.log.text}`)));
    return this.until(Promise.race([this.log.next(event, match, count), early]), `the event ${event} ${JSON.stringify(match)}`);
  }

  /** Waits under the daemon's deadline; the log explains what was missed. */
  until<T>(promise: Promise<T>, what: string): Promise<T> {
    return this.deadline.wait(promise, what, () => `${this.log.text}\nIts processes:\n${this.#describeProcesses().join('\n')}`);
  }

  /** Runs a command of the bin that finds this daemon. */
  command(...args: string[]): Promise<CliResult> {
    return runCli(args, { env: this.#env, cwd: this.dir.path, timeout: Math.ceil(this.deadline.remaining) });
  }

  async status(): Promise<Status> {
    const { stdout, stderr } = await this.until(this.command('status', '--json', ...this.#target), 'an answer of status');
    assert(stdout.startsWith('{'), `status printed no JSON: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Status;
  }

  /** Reloads by the command; resolves with its verdict and its exit code. */
  async reload(...flags: string[]): Promise<{ code: number; report: ReloadReport }> {
    const { code, stdout, stderr } = await this.until(this.command('reload', '--json', ...this.#target, ...flags), 'the verdict of a reload');
    assert(stdout.startsWith('{'), `reload printed no JSON: ${stdout}${stderr}`);
    return { code, report: JSON.parse(stdout) as ReloadReport };
  }

  /** Writes the config file anew, as the daemon was started with it but for what is given; a reload reads it. */
  configure(config: UserConfig): void {
    this.#config = { ...this.#config, ...config };
    this.dir.write(CONFIG_FILE, JSON.stringify(this.#config, null, 2));
  }

  /** The pid of the newest ready worker of a slot. */
  workerPid(slot = 0): number {
    const record = this.log.all('worker.ready', { slot }).at(-1);
    assert(typeof record?.worker === 'number', `no worker of slot ${slot}\n${this.log.text}`);
    return record.worker;
  }

  /** Every running process that comes from this daemon. */
  processes(): number[] {
    return processesMarked(MARK, this.#mark);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** As Ctrl-C in a terminal does it: every process of the group gets the signal. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.pid, name);
  }

  /** Nobody reads its output any more. */
  closeOutput(): void {
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
  }

  /** A graceful stop. */
  async stop(): Promise<Exit> {
    this.signal('SIGTERM');
    return await this.until(this.exit, 'its exit after SIGTERM');
  }

  /** Stops what still runs, and asserts that no process, no open pipe and no file in the runtime folder is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const running = this.#process.exitCode === null && this.#process.signalCode === null;
      if (running) this.signal('SIGTERM');
      const end = new Deadline(15_000);
      const { signal } = await end.wait(this.exit, 'the exit of the daemon after SIGTERM', () => this.log.text);
      if (signal === 'SIGKILL') await end.poll(() => (this.processes().length === 0 ? true : undefined), 'the end of its workers');
      assert.deepEqual(this.#describeProcesses(), [], `processes are left\n${this.log.text}`);
      await end.wait(this.#closed, 'the end of its output');
      // Killed without warning, it cannot clean up; the next start of the same name does.
      if (signal !== 'SIGKILL') assert.deepEqual(this.dir.files('run'), [], 'files are left in the runtime folder');
    } finally {
      for (const pid of this.processes()) process.kill(pid, 'SIGKILL');
      this.dir[Symbol.dispose]();
    }
  }

  #describeProcesses(): string[] {
    return this.processes().map((pid) => `${pid} ${commandOf(pid)}`);
  }

  #writeConfig({ config, configText }: DaemonOptions): string {
    if (configText !== undefined) return this.dir.write(configText.name, configText.text);
    this.configure(config ?? {});
    return this.dir.join(CONFIG_FILE);
  }
}

/** Starts the daemon and waits until its whole fleet is ready. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const daemon = new Daemon(options);
  try {
    await daemon.waitFor('daemon.ready');
    return daemon;
  } catch (error) {
    await daemon[Symbol.asyncDispose]().catch(() => undefined);
    throw error;
  }
}

/** Starts a daemon that is to fail, and returns how it ended and what it said, with nothing left of it. */
export async function failDaemon(options: DaemonOptions): Promise<Exit & { readonly log: DaemonLog }> {
  await using daemon = new Daemon(options);
  const exit = await daemon.until(daemon.exit, 'its exit by itself');
  return { ...exit, log: daemon.log };
}
