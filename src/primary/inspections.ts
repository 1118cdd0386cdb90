/**
 * Runs in the primary. Orders to look into one worker: its inspector, its heap. Meanwhile the worker may be silent
 * without being taken for hung, and if wanted gets no new connections or calls. The worker's half is
 * src/worker/inspect-self.ts.
 */
import type { InspectOrder, InspectResult } from '../control/definition.js';
import type { FromWorker, InspectAction } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { DaemonError } from '../shared/errors.js';
import type { Inspection } from './inspection.js';
import type { WorkerDoor } from './worker-door.js';
import type { WorkerHandle } from './worker-handle.js';

/** How long a worker may take to open or close its inspector, in milliseconds. */
const ANSWER_TIMEOUT = 4000;
/** How long the clients of a withdrawn worker may take to leave before it is looked into anyway, and between two looks, in milliseconds. */
const LEAVE_TIMEOUT = 5000;
const LEAVE_INTERVAL = 50;
/** How long a worker may take to write its heap, in milliseconds: some seconds for each gigabyte. */
const SNAPSHOT_TIMEOUT = 300_000;

interface Pending {
  readonly handle: WorkerHandle;
  readonly settle: (message: FromWorkerAnswer) => void;
  readonly fail: (error: DaemonError) => void;
}

type FromWorkerAnswer = Extract<FromWorker, { type: 'inspected' }>;

export interface InspectionsParts {
  readonly clock: Clock;
  readonly door: WorkerDoor;
  readonly workers: () => readonly WorkerHandle[];
}

export class Inspections {
  readonly #parts: InspectionsParts;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(parts: InspectionsParts) {
    this.#parts = parts;
  }

  /**
   * @throws DaemonError E_USAGE for a slot without a worker, E_WORKER when the worker cannot be asked now, and
   *   whatever the worker answers
   */
  async run({ slot, heapSnapshot, withdraw, close }: InspectOrder): Promise<InspectResult> {
    const handle = this.#find(slot);
    if ([...this.#pending.values()].some((pending) => pending.handle === handle)) {
      throw new DaemonError('E_WORKER', `Worker ${slot} has not answered an earlier order yet`);
    }
    if (withdraw) this.#withdraw(handle);
    if (withdraw && !this.#parts.door.hasLeft(handle.id)) await this.#emptied(handle);
    const before = handle.inspection;
    try {
      const result = close ? await this.#close(handle) : heapSnapshot === '' ? await this.#open(handle) : await this.#writeHeap(handle, heapSnapshot, before);
      return { pid: handle.pid ?? 0, result };
    } finally {
      if (handle.inspection === null) this.#readmit(handle);
    }
  }

  /** A worker has answered; maybe so late that nobody waits any more. */
  answered(handle: WorkerHandle, message: FromWorkerAnswer): void {
    const pending = this.#pending.get(message.id);
    if (pending !== undefined) pending.settle(message);
    else if (handle.inspection?.type === 'inspector' && message.result === '' && message.error === null) this.#closed(handle);
  }

  /** The fleet may have changed: who is gone does not answer any more. */
  noteChange(): void {
    for (const { handle, fail } of this.#pending.values()) {
      if (handle.state === 'gone') fail(new DaemonError('E_WORKER', `Worker ${handle.slot} ended before it could answer`));
    }
  }

  /** Of two workers of a slot, the one that serves. */
  #find(slot: number): WorkerHandle {
    const workers = this.#parts.workers().filter(({ isForked }) => isForked);
    const here = workers.filter((worker) => worker.slot === slot);
    const found = here.find(({ state }) => state === 'ready') ?? here.at(-1);
    if (found !== undefined) return found;
    const slots = [...new Set(workers.map((worker) => worker.slot))];
    throw new DaemonError('E_USAGE', `There is no worker in slot ${slot}`, {
      hint: slots.length === 0 ? 'No worker runs at the moment.' : `Slots with a worker: ${slots.join(', ')}.`,
    });
  }

  #withdraw(handle: WorkerHandle): void {
    const { door, workers } = this.#parts;
    if (!workers().some((other) => other !== handle && door.isAdmitted(other.id))) {
      throw new DaemonError('E_WORKER', `Worker ${handle.slot} is the only one that takes calls, so it cannot be withdrawn`, {
        hint: 'Add one first with grpcserverd scale, or leave --withdraw out.',
      });
    }
    door.withdraw(handle.id);
    handle.send({ type: 'send-clients-away' });
  }

  /** Its clients have left: it may stand still from now on. Calls that go on for longer are not waited for. */
  async #emptied(handle: WorkerHandle): Promise<void> {
    const { clock, door } = this.#parts;
    const until = clock.monotonic() + LEAVE_TIMEOUT;
    while (!door.hasLeft(handle.id) && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(LEAVE_INTERVAL, resolve));
    }
  }

  /** One that drains meanwhile stays out. */
  #readmit(handle: WorkerHandle): void {
    if (handle.state === 'ready') this.#parts.door.readmit(handle.id);
  }

  async #open(handle: WorkerHandle): Promise<string> {
    const url = await this.#ask(handle, 'open', ANSWER_TIMEOUT);
    handle.inspection = { type: 'inspector', url, until: Infinity };
    return url;
  }

  async #close(handle: WorkerHandle): Promise<string> {
    // From now on silence counts again: a debugger that does not let go must not keep a hung worker alive.
    if (handle.inspection !== null) handle.inspection = { ...handle.inspection, until: this.#parts.clock.monotonic() + ANSWER_TIMEOUT };
    await this.#ask(handle, 'close', ANSWER_TIMEOUT);
    this.#closed(handle);
    return '';
  }

  #closed(handle: WorkerHandle): void {
    handle.inspection = null;
    this.#readmit(handle);
  }

  async #writeHeap(handle: WorkerHandle, file: string, before: Inspection | null): Promise<string> {
    handle.inspection = { type: 'snapshot', file, until: this.#parts.clock.monotonic() + SNAPSHOT_TIMEOUT };
    try {
      return await this.#ask(handle, { heapSnapshot: file }, SNAPSHOT_TIMEOUT);
    } finally {
      handle.inspection = before;
    }
  }

  /** Sends the order and waits for the answer. */
  #ask(handle: WorkerHandle, action: InspectAction, timeout: number): Promise<string> {
    const id = this.#nextId++;
    return new Promise<string>((resolve, reject) => {
      const silent = (): void =>
        reject(
          new DaemonError('E_WORKER', `Worker ${handle.slot} (pid ${handle.pid}) did not answer within ${timeout / 1000} s`, {
            hint:
              handle.inspection === null
                ? `It may be blocked. kill -USR1 ${handle.pid} makes Node open the inspector of a blocked process, on port 9229.`
                : 'A debugger may hold it: let it go on, or disconnect the debugger.',
          }),
        );
      const cancel = this.#parts.clock.after(timeout, silent);
      this.#pending.set(id, {
        handle,
        settle({ result, error }) {
          cancel();
          if (error === null) resolve(result);
          else reject(DaemonError.fromData(error));
        },
        fail(error) {
          cancel();
          reject(error);
        },
      });
      if (!handle.send({ type: 'inspect', id, action })) silent();
    }).finally(() => this.#pending.delete(id));
  }
}
