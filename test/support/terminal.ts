import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import type { Daemon } from './daemon.js';
import { BIN, ROOT } from './paths.js';

/** How a command on a terminal ended. */
export interface TerminalEnd {
  readonly code: number | null;
  /** Whether the settings of the terminal (raw mode, echo...) are as they were before. */
  readonly settings: string | undefined;
}

/** A command of the bin on a terminal of its own, for the daemon of a test. Needs python3 (`skipUnless('pty')`). */
export class Terminal {
  /** Everything that was printed, escapes included. */
  output = '';
  readonly end: Promise<TerminalEnd>;
  readonly #daemon: Daemon;
  readonly #process: ChildProcess;
  #stderr = '';
  #tell: () => void = () => undefined;

  constructor(daemon: Daemon, args: readonly string[], { env = {}, rows = 24, columns = 80 }: { env?: NodeJS.ProcessEnv; rows?: number; columns?: number } = {}) {
    this.#daemon = daemon;
    this.#process = spawn('/usr/bin/python3', [`${ROOT}test/support/on-terminal.py`, String(rows), String(columns), process.execPath, BIN, ...args], {
      env: { ...daemon.env, TERM: 'xterm', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr } = this.#process;
    assert(stdout && stderr);
    stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.output += chunk;
      this.#tell();
    });
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr += chunk;
      this.#tell();
    });
    this.end = new Promise((resolve) =>
      this.#process.once('close', (code) => resolve({ code, settings: /^settings (\w+)$/m.exec(this.#stderr)?.[1] })),
    );
  }

  type(keys: string): void {
    this.#process.stdin?.write(keys);
  }

  /** Makes it 40 x 132. */
  enlarge(): void {
    this.#process.kill('SIGUSR1');
  }

  /** Of the command. */
  get pid(): number {
    return Number(/^pid (\d+)$/m.exec(this.#stderr)?.[1]);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Resolves once something is printed that matches, from the `from`th character on. */
  async shows(text: RegExp, from = 0): Promise<void> {
    const seen = async (): Promise<void> => {
      while (!text.test(this.output.slice(from))) await new Promise<void>((resolve) => (this.#tell = resolve));
    };
    const early = this.end.then(() => {
      if (!text.test(this.output.slice(from))) throw new Error(`It ended before it showed ${String(text)}\n${this.#stderr}${JSON.stringify(this.output.slice(-3000))}`);
    });
    await this.#daemon.deadline.wait(Promise.race([seen(), early]), `${String(text)} on the terminal`, () => JSON.stringify(this.output.slice(-3000)));
  }

  /** Waits until the command has ended. */
  ended(): Promise<TerminalEnd> {
    return this.#daemon.deadline.wait(this.end, 'the end of the command', () => JSON.stringify(this.output.slice(-3000)));
  }
}
