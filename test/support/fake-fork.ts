import { EventEmitter } from 'node:events';
import type { Worker } from 'node:cluster';
import type { ForkedProcess } from '#src/primary/fork.js';
import type { FromWorker, ToWorker } from '#src/ipc/messages.js';

/** A process that does what a test says and nothing else. */
export class FakeProcess extends EventEmitter {
  readonly sent: ToWorker[] = [];
  readonly process: EventEmitter & { pid: number; kill(signal: string): boolean };
  isAlive = true;
  signals: string[] = [];

  constructor(pid: number) {
    super();
    this.process = Object.assign(new EventEmitter(), {
      pid,
      kill: (signal: string) => {
        this.signals.push(signal);
        return true;
      },
    });
  }

  isConnected(): boolean {
    return this.isAlive;
  }

  send(message: ToWorker): boolean {
    this.sent.push(message);
    return true;
  }

  says(message: FromWorker): void {
    this.emit('message', message);
  }

  exits(exitCode: number | null, signal: string | null = null): void {
    this.isAlive = false;
    this.process.emit('exit', exitCode, signal);
  }

  drains(): Extract<ToWorker, { type: 'drain' }>[] {
    return this.sent.filter((message) => message.type === 'drain');
  }
}

/** A fork that makes fake processes and remembers them in order. */
export function fakeFork(): { fork: () => ForkedProcess; processes: FakeProcess[] } {
  const processes: FakeProcess[] = [];
  return {
    processes,
    fork() {
      const process = new FakeProcess(1000 + processes.length);
      processes.push(process);
      // The supervisor uses only what FakeProcess has of a Worker.
      return { worker: process as unknown as Worker, stdout: null, stderr: null };
    },
  };
}
