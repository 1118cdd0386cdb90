/** Runs in the primary. Takes what workers say (src/ipc/messages.ts), and their end. */
import type { FromWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import { DaemonError } from '../shared/errors.js';
import type { Emit } from '../shared/events.js';
import { EXIT } from '../shared/exit-codes.js';
import type { CallShares } from './call-shares.js';
import type { Dispatcher } from './dispatcher.js';
import type { Fleet } from './fleet.js';
import { FAULTS, type Life } from './life.js';
import type { Phases } from './phases.js';
import type { Plan } from './plan.js';
import type { Slots } from './slots.js';
import type { Steering } from './steering.js';
import { describeDrain, describeExit, describeLate } from './worker-end.js';
import type { WorkerDoor } from './worker-door.js';
import type { WorkerHandle } from './worker-handle.js';

/** Failures of one slot after which a first start is given up while another daemon serves, as in a reload: one retry. */
const MOST_FAILURES = 2;

export interface WorkerReportsParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly dispatcher: Pick<Dispatcher, 'acknowledged' | 'lost' | 'closed'>;
  readonly door: WorkerDoor;
  readonly fleet: Fleet;
  readonly life: Life;
  readonly phases: Phases;
  readonly plan: Plan;
  readonly shares: CallShares;
  readonly steering: Steering;
  readonly slots: Pick<Slots, 'crashes'>;
  /** See SupervisorOptions. */
  readonly isReplacing: () => boolean;
  /** Messages that are no business of the fleet's. */
  readonly onMessage: (handle: WorkerHandle, message: FromWorker) => void;
}

export class WorkerReports {
  readonly #parts: WorkerReportsParts;

  constructor(parts: WorkerReportsParts) {
    this.#parts = parts;
  }

  take(handle: WorkerHandle, message: FromWorker): void {
    const { clock, dispatcher, door, life, phases, shares, onMessage } = this.#parts;
    handle.lastSign = clock.monotonic();
    switch (message.type) {
      case 'awake':
        handle.send({ ...shares.startOrder(handle), linkPath: door.linkPath(handle.id) });
        break;
      case 'ready':
        handle.services = message.services;
        life.step(handle, 'ready', 'ready');
        break;
      case 'failed':
        this.#takeFailure(handle, DaemonError.fromData(message.error), message.permanent);
        break;
      case 'heartbeat':
        handle.meter.note(message, clock.monotonic());
        life.step(handle, 'heartbeat', 'heartbeat');
        onMessage(handle, message);
        break;
      case 'socket-taken':
        dispatcher.acknowledged(handle.id, message.id);
        break;
      case 'socket-lost':
        dispatcher.lost(handle.id, message.id);
        break;
      case 'sockets-closed':
        dispatcher.closed(handle.id, message.ids);
        break;
      case 'drain-wanted':
        life.step(handle, 'drain', message.cause);
        break;
      case 'drained':
        handle.drained = message;
        phases.noteCut(message.cut.length);
        break;
      case 'limit-reached':
        handle.limits.add(message);
        onMessage(handle, message);
        break;
      case 'recycle-wanted':
      case 'files-loaded':
      case 'inspected':
      case 'calls-told':
        onMessage(handle, message);
        break;
    }
  }

  takeExit(handle: WorkerHandle, exitCode: number | null, signal: string | null): void {
    const { clock, door, fleet, life, phases, plan, slots, steering, isReplacing } = this.#parts;
    const neverReady = handle.readyAt === null;
    const isCrash = handle.cause === null;
    const isPermanent = handle.failure?.permanent ?? exitCode === EXIT.config;
    const tookMs = clock.monotonic() - handle.leavingSince;
    life.exited(handle, exitCode, signal);
    fleet.remove(handle);
    door.gone(handle.id);
    if (neverReady) phases.noteError(describeExit(handle, exitCode, signal));
    if (handle.failure?.permanent === true || exitCode === EXIT.config) phases.giveUp();
    if (neverReady && isReplacing() && slots.crashes(handle.slot) >= MOST_FAILURES) phases.giveUp();
    if (isCrash) steering.noteFault(handle.generation, handle.failure?.error ?? describeExit(handle, exitCode, signal), isPermanent);
    if (handle.cause === 'reload') plan.noteDrained(describeDrain(handle, tookMs));
  }

  /** The deadline of its state has passed. */
  takeSilence(handle: WorkerHandle): void {
    const { life, steering } = this.#parts;
    const before = handle.state;
    life.missedDeadline(handle);
    if (before !== 'draining' && FAULTS.includes(handle.cause ?? '')) steering.noteFault(handle.generation, describeLate(handle), false);
  }

  #takeFailure(handle: WorkerHandle, error: DaemonError, permanent: boolean): void {
    const { emit, phases } = this.#parts;
    emit('worker.failed', { ...handle.label, code: error.code, error: error.message, hint: error.hint });
    handle.failure = { error, permanent };
    phases.noteError(error);
    if (permanent) phases.giveUp();
  }
}
