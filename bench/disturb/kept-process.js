// A process that is started again when it ends, as systemd does with Restart=always, and that can be restarted.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url));
/** As RestartSec= and TimeoutStopSec= are, but that this one is 10 s instead of 90; milliseconds. */
const RESTART = 100;
const STOP = 10_000;

export class KeptProcess {
  #args;
  #child = null;
  #isKept = true;

  constructor(port, servicer) {
    this.#args = [String(port), servicer];
  }

  /** Resolves to whether it became ready. */
  async start() {
    const child = fork(PROGRAM, this.#args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    this.#child = child;
    child.once('exit', async () => {
      await pause(RESTART);
      if (this.#isKept && this.#child === child) await this.start();
    });
    return new Promise((resolve) => {
      child.once('message', () => resolve(true));
      child.once('exit', () => resolve(false));
    });
  }

  async restart() {
    const old = this.#child;
    this.#child = null;
    await end(old);
    return this.start();
  }

  async stop() {
    this.#isKept = false;
    await end(this.#child);
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP);
  await gone;
  clearTimeout(timer);
}
