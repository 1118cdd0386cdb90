/**
 * Runs in the primary. Takes a worker through its life table (worker-state.ts) and performs what the table says;
 * every change of state is one log event with its cause, and the first cause is kept.
 */
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import type { Slots } from './slots.js';
import type { WorkerDoor } from './worker-door.js';
import type { WorkerHandle } from './worker-handle.js';
import { LIFE, type WorkerAction, type WorkerEvent, type WorkerState } from './worker-state.js';

/** Missed deadlines charge the slot like a crash; every other reason to leave is somebody's wish. */
export const FAULTS: readonly string[] = ['silent', 'startTimeout'];

export interface LifeParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly door: WorkerDoor;
  readonly slots: Slots;
  /** Milliseconds that calls get in a worker that is told to go; null for their own timeouts. */
  readonly quick: () => number | null;
  /** The worker is no longer starting. */
  readonly onBooted: (handle: WorkerHandle) => void;
  /** It was told to die before it had a process. */
  readonly onUnborn: (handle: WorkerHandle) => void;
}

export class Life {
  readonly #parts: LifeParts;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  step(handle: WorkerHandle, event: WorkerEvent, cause: string): void {
    const before = handle.state;
    const { next, actions } = LIFE[before][event];
    if (next === 'draining') handle.cause ??= cause;
    handle.state = next;
    if (before !== next) this.#entered(handle, before);
    for (const action of actions) this.#act(handle, action, before);
  }

  /** Its deadline has passed. */
  missedDeadline(handle: WorkerHandle): void {
    if (handle.state === 'ready') {
      this.#parts.emit('worker.silent', { ...handle.label, ms: Math.round(this.#now() - handle.lastSign) });
    }
    this.step(handle, 'deadline', handle.state === 'starting' ? 'startTimeout' : 'silent');
  }

  exited(handle: WorkerHandle, exitCode: number | null, signal: string | null): void {
    const { emit } = this.#parts;
    if (handle.drained !== null) {
      const { finished, cut } = handle.drained;
      const ms = Math.round(this.#now() - handle.leavingSince);
      emit('worker.drained', { ...handle.label, ms, finished, cut: cut.length });
    }
    this.step(handle, 'exit', 'crash');
    const uptimeMs = Math.round(this.#now() - handle.forkedAt);
    const { cause } = handle;
    emit('worker.gone', { ...handle.label, cause: cause ?? 'crash', exitCode, signal, uptimeMs }, cause === null ? 'warn' : 'info');
  }

  #entered(handle: WorkerHandle, before: WorkerState): void {
    const { emit, onBooted } = this.#parts;
    const now = this.#now();
    if (handle.state === 'ready') {
      handle.readyAt = now;
      emit('worker.ready', { ...handle.label, bootMs: Math.round(now - handle.forkedAt) });
    } else if (handle.state === 'draining') {
      handle.leavingSince = now;
      if (before === 'ready') emit('worker.draining', { ...handle.label, cause: handle.cause });
    }
    if (before === 'starting') onBooted(handle);
  }

  #act(handle: WorkerHandle, action: WorkerAction, before: WorkerState): void {
    const { door, quick, onUnborn } = this.#parts;
    switch (action) {
      case 'admit':
        door.admit(handle);
        break;
      case 'withdraw':
        door.withdraw(handle.id);
        break;
      case 'send-drain':
        handle.send({ type: 'drain', cause: handle.cause ?? 'drain', delay: handle.drainDelay, quick: quick() });
        break;
      case 'kill':
        if (handle.isForked) this.#kill(handle, before);
        else onUnborn(handle);
        break;
      case 'crashed':
        this.#charge(handle);
        break;
    }
  }

  #kill(handle: WorkerHandle, before: WorkerState): void {
    const cause = before === 'draining' ? `did not leave after: ${handle.cause ?? 'drain'}` : (handle.cause ?? 'stop');
    // One that was still starting had nothing to lose when it is not needed any more.
    const level = before === 'starting' && cause !== 'startTimeout' ? 'info' : 'warn';
    if (!handle.killed) this.#parts.emit('worker.killed', { ...handle.label, cause }, level);
    handle.leavingSince = this.#now();
    handle.kill();
  }

  #charge(handle: WorkerHandle): void {
    if (handle.cause !== null && !FAULTS.includes(handle.cause)) return;
    const now = this.#now();
    const { retryAt, crashes } = this.#parts.slots.charge(handle.slot, now, handle.readyAt === null ? 0 : now - handle.readyAt);
    if (retryAt > now) this.#parts.emit('worker.waiting', { ...handle.label, ms: Math.round(retryAt - now), crashes });
  }

  #now(): number {
    return this.#parts.clock.monotonic();
  }
}
