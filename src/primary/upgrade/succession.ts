/**
 * Runs in the primary. How a new daemon takes the place of the one that has started it, once its fleet is ready. The old
 * one's half is src/primary/upgrade/upgrader.ts.
 */
import type { Clock } from '../../shared/clock.js';
import { DaemonError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import { PROBATION, type Supervisor } from '../supervisor.js';
import type { Notifier } from '../systemd/notifier.js';
import type { Predecessor } from './predecessor.js';

/** How often a fleet that is not whole is looked at again, in milliseconds. */
const LOOK_INTERVAL = 100;

export interface SuccessionParts {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Null when there is none: then this daemon serves from its start. */
  readonly predecessor: Predecessor | null;
  readonly supervisor: Pick<Supervisor, 'phase' | 'plan' | 'workers'>;
  readonly folder: Pick<RuntimeFolder, 'take' | 'sweep'>;
  /** Makes this the daemon of its name. */
  readonly takeCharge: () => void;
  /** Accepts on the sockets that were handed over. */
  readonly accept: () => Promise<void>;
  /** The descriptors of what is listened on. */
  readonly listening: () => readonly number[];
  readonly service: () => Pick<Notifier, 'ready' | 'heard'> | null;
  /** As an order to this daemon. */
  readonly stop: (cause: string, quick: boolean) => void;
}

export class Succession {
  readonly #parts: SuccessionParts;
  #state: 'waiting' | 'taken' = 'waiting';
  #failure: DaemonError | null = null;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** The daemon has begun to start. @param startTimeout in milliseconds */
  started(startTimeout: number): void {
    const { predecessor, takeCharge, stop } = this.#parts;
    if (predecessor === null) {
      takeCharge();
      return;
    }
    predecessor.onStop((cause) => stop(cause, false));
    predecessor.started(startTimeout);
  }

  /** The fleet of the start is ready. */
  ready(): void {
    const { predecessor, service, stop } = this.#parts;
    if (predecessor === null) {
      service()?.ready();
      return;
    }
    this.#succeed(predecessor).catch((error: unknown) => {
      this.#failure = DaemonError.from(error);
      stop('upgrade', true);
    });
  }

  /** This daemon stops quickly; the old one, which it waits for, does so too. */
  hurry(cause: string): void {
    if (this.#state === 'taken') this.#parts.predecessor?.hurry(cause);
  }

  /** The daemon has drained. Resolves when the old one, too, has finished its calls; with the error if it could not be replaced. */
  async over(): Promise<DaemonError | null> {
    const { predecessor } = this.#parts;
    if (predecessor !== null && this.#state === 'taken') {
      predecessor.announced();
      await predecessor.gone;
    }
    return this.#failure;
  }

  async #succeed(predecessor: Predecessor): Promise<void> {
    const { emit, supervisor, folder, takeCharge, accept, listening, service } = this.#parts;
    if (!(await this.#isProven(predecessor))) return;
    predecessor.ready();
    const consent = await predecessor.consent;
    if (supervisor.phase === 'stopping') return;
    await folder.take(consent);
    takeCharge();
    await accept();
    this.#state = 'taken';
    predecessor.tookOver(listening());
    emit('upgrade.taken-over', { predecessor: predecessor.pid, consent });
    void predecessor.gone.then(() => folder.sweep());
    const notifier = service();
    notifier?.ready();
    await notifier?.heard;
    predecessor.announced();
  }

  /** What dies of its first timer or its first connection to a database does so while the old daemon serves. */
  async #isProven(predecessor: Predecessor): Promise<boolean> {
    const { clock, supervisor } = this.#parts;
    const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
    // One that nobody else serves beside is better than none.
    const wanted = (): number => (predecessor.isGone ? 1 : supervisor.plan.goal.workers);
    const isWhole = (): boolean => supervisor.workers.filter(({ state }) => state === 'ready').length >= wanted();
    const look = (): string => supervisor.workers.map(({ pid }) => pid).join(' ');
    for (;;) {
      const before = look();
      await pause(PROBATION);
      if (supervisor.phase === 'stopping') return false;
      if (isWhole() && look() === before) return true;
      await pause(LOOK_INTERVAL);
    }
  }
}
