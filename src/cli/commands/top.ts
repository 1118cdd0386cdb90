import { Command } from 'commander';
import { DaemonError } from '../../shared/errors.js';
import { EXIT } from '../../shared/exit-codes.js';
import { findDaemon, withControl, type FoundDaemon } from '../control-client.js';
import { followStatus } from '../follow-status.js';
import { formatReport } from '../format-reload.js';
import { untilInterrupted } from '../interruption.js';
import { styleFor } from '../output.js';
import { describeReload } from '../status-phrases.js';
import { addTargetFlags, targetOf } from '../target-flags.js';
import { press, START, type Model, type Order } from '../top/model.js';
import { Screen } from '../top/screen.js';
import { viewTop } from '../top/view.js';

/** How often the screen is new at least, in milliseconds. */
const INTERVAL = 1000;

export function topCommand(): Command {
  const command = new Command('top').description('Show it live, full-screen, with keys to reload and scale');
  return addTargetFlags(command).action(async () => {
    if (!process.stdin.isTTY || !process.stdout.isTTY || process.env.TERM === 'dumb') {
      throw new DaemonError('E_USAGE', 'top needs a terminal', { hint: 'grpcserverd status --watch works everywhere.' });
    }
    await new Top(await findDaemon(targetOf(command))).run();
  });
}

class Top {
  readonly #found: FoundDaemon;
  readonly #interruption = untilInterrupted();
  readonly #style = styleFor(process.stdout);
  readonly #screen = new Screen(process.stdin, process.stdout, { onKey: (key) => this.#press(key), onResize: () => this.#draw() });
  #model: Model = START;
  /** One after the other, so that three keys are three workers. */
  #scaling: Promise<void> = Promise.resolve();

  constructor(found: FoundDaemon) {
    this.#found = found;
  }

  async run(): Promise<void> {
    const { signal } = this.#interruption;
    const suspend = (): void => this.#suspend();
    process.on('SIGTSTP', suspend);
    // Ages grow also while nothing comes.
    const timer = setInterval(() => this.#draw(), INTERVAL);
    this.#screen.enter();
    try {
      this.#draw();
      for await (const status of followStatus(this.#found, INTERVAL, signal)) {
        if (status === null) this.#say(['The daemon is gone; waiting for it to come back...']);
        else this.#change({ ...this.#model, status, statusAt: Date.now() });
      }
    } finally {
      clearInterval(timer);
      process.off('SIGTSTP', suspend);
      this.#screen.leave();
    }
    if (signal.aborted) return;
    process.stdout.write(`The daemon "${this.#found.state.name}" is gone.\n`);
    process.exitCode = EXIT.notRunning;
  }

  #press(key: string): void {
    const { model, order } = press(this.#model, key);
    this.#change(model);
    if (order !== null) this.#obey(order);
  }

  #obey(order: Order): void {
    switch (order) {
      case 'quit':
        this.#interruption.abort();
        break;
      case 'suspend':
        this.#suspend();
        break;
      case 'reload':
        void this.#attempt(() => this.#reload());
        break;
      case 'scale-up':
        this.#scale((workers) => workers + 1);
        break;
      case 'scale-down':
        this.#scale((workers) => Math.max(1, workers - 1));
        break;
      case 'scale-config':
        this.#scale(() => 0);
        break;
    }
  }

  async #reload(): Promise<void> {
    const { signal } = this.#interruption;
    this.#say(['Reloading...']);
    const wanted = this.#model.status?.goal.workers ?? 0;
    const report = await withControl(this.#found, (control) =>
      control.reload(false, (progress) => this.#say([`Reloading: ${describeReload(progress, wanted)}`]), signal),
    );
    this.#say(formatReport(report).split('\n').filter((line) => line !== ''));
  }

  #scale(change: (workers: number) => number): void {
    const scale = (): Promise<void> =>
      withControl(this.#found, async (control) => {
        const { goal } = await control.status();
        const { before, after } = await control.scale(change(goal.workers));
        this.#say([before === after ? `Still ${after} workers.` : `${before} -> ${after} workers.`]);
      });
    this.#scaling = this.#scaling.then(() => this.#attempt(scale));
  }

  /** An order that fails is told, and ends nothing. */
  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (this.#interruption.signal.aborted) return;
      const { message, hint } = DaemonError.from(error);
      this.#say([message, hint]);
    }
  }

  /** As Ctrl-Z does it: the shell gets its terminal back until `fg`. */
  #suspend(): void {
    this.#screen.leave();
    process.once('SIGCONT', () => {
      this.#screen.enter();
      this.#draw();
    });
    process.kill(process.pid, 'SIGSTOP');
  }

  #say(message: readonly string[]): void {
    this.#change({ ...this.#model, message });
  }

  #change(model: Model): void {
    this.#model = model;
    this.#draw();
  }

  #draw(): void {
    const { width, height } = this.#screen.size;
    this.#screen.draw(viewTop(this.#model, { width, height, style: this.#style, now: Date.now() }));
  }
}
