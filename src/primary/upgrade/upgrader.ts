/**
 * Runs in the primary. Has it replaced by a new one: starts that with the listening sockets, and serves until it is ready;
 * then lets it take over, drains, and ends. What goes wrong before leaves all as it was. The new one's half is
 * src/primary/upgrade/succession.ts.
 */
import type { UpgradeOrder, UpgradeProgress, UpgradeReport, UpgradeStage, UpgradeVerdict } from '../../control/definition.js';
import type { RuntimeState } from '../../control/runtime-dir.js';
import type { HandedSocket } from '../../ipc/upgrade-messages.js';
import type { Clock } from '../../shared/clock.js';
import { deferred } from '../../shared/deferred.js';
import { DaemonError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { RuntimeFolder } from '../runtime-folder.js';
import type { ServiceManager } from '../systemd/environment.js';
import type { Notifier } from '../systemd/notifier.js';
import { findObstacle } from './obstacle.js';
import { Successor } from './successor.js';
import { tryProgram } from './trial.js';

/** What the new one may take on top of its own limits, in milliseconds. */
const MARGIN = 5000;
const TAKE_OVER_TIMEOUT = 15_000;
/** How often it is looked whether connections still wait for a worker, in milliseconds. */
const LOOK_INTERVAL = 20;
/** What whoever asked may take to read the report, in milliseconds. */
const TOLD_TIMEOUT = 1000;

export interface UpgraderParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly manager: Pick<ServiceManager, 'notifySocket' | 'watchdog'>;
  readonly service: () => Pick<Notifier, 'mute' | 'unmute'> | null;
  readonly folder: RuntimeFolder;
  /** The path of the folder, and what is announced there. */
  readonly path: string;
  readonly state: RuntimeState;
  /** In milliseconds. */
  readonly startTimeout: number;
  /** Why it cannot be now; null when it can. */
  readonly busy: () => string | null;
  /** What it listens on. */
  readonly sockets: () => readonly HandedSocket[];
  /** Accepts no more, and leaves these descriptors to the new one. */
  readonly leave: (kept: readonly number[]) => void;
  /** Connections that wait for a worker. */
  readonly waiting: () => number;
  readonly stop: (cause: string, quick: boolean) => void;
}

/** Who serves: this one, while nothing or an attempt goes on; either, while it hands over; the new one. */
type State = 'alone' | 'trying' | 'handing' | 'handed';

export class Upgrader {
  readonly #parts: UpgraderParts;
  readonly #drained = deferred<number>();
  #state: State = 'alone';
  #pid = 0;
  #version = '';
  #node = '';
  #successor: Successor | null = null;
  #stopCause: string | null = null;
  #attempt: Promise<unknown> = Promise.resolve();
  #told: Promise<void> = Promise.resolve();

  constructor(parts: UpgraderParts) {
    this.#parts = parts;
  }

  /** @throws DaemonError while an upgrade goes on, for whatever would be lost with this daemon */
  refuseWhileBusy(): void {
    if (this.#state !== 'alone') throw new DaemonError('E_UPGRADE', 'An upgrade of the daemon is going on', { hint: 'Try again when it is over.' });
  }

  /** @param tell hears how far it is @param told see ControlHandlers */
  request(order: UpgradeOrder, tell: (progress: UpgradeProgress) => void, told: Promise<void>): Promise<UpgradeReport> {
    const startedAt = this.#parts.clock.monotonic();
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.resolve(this.#report('refused', startedAt, refusal));
    this.#state = 'trying';
    this.#stopCause = null;
    this.#version = this.#node = '';
    this.#pid = 0;
    const attempt = this.#run(order, startedAt, (stage) => tell({ stage, pid: this.#pid, version: this.#version, node: this.#node }));
    this.#attempt = attempt;
    this.#told = told;
    return attempt;
  }

  /** The daemon begins to stop. */
  noteStop(cause: string): void {
    if (this.#state === 'trying') {
      this.#stopCause = cause;
      void this.#successor?.stop();
    } else if (this.#state === 'handing') {
      this.#successor?.send({ type: 'stop', cause });
    }
  }

  /** The daemon has drained; resolves when it may exit. @param cut calls that it had to cut */
  async over(cut: number): Promise<void> {
    if (this.#state === 'alone') return;
    this.#drained.resolve(cut);
    await this.#attempt;
    const cancelled = deferred();
    const cancel = this.#parts.clock.after(TOLD_TIMEOUT, () => cancelled.resolve());
    await Promise.race([this.#told, cancelled.promise]);
    cancel();
    // Until the service manager knows the new one, the end of this one would be that of the service.
    await this.#successor?.announced();
    this.#successor?.release();
  }

  #refusal(): DaemonError | null {
    const { busy } = this.#parts;
    const obstacle = findObstacle(process.pid, process.ppid);
    if (obstacle !== null) return new DaemonError('E_UPGRADE', obstacle, { hint: 'Replace the container instead.' });
    const reason = this.#state === 'alone' ? busy() : 'Another upgrade is going on';
    return reason === null ? null : new DaemonError('E_UPGRADE', reason, { hint: 'Try again when it is over.' });
  }

  async #run(order: UpgradeOrder, startedAt: number, tell: (stage: UpgradeStage) => void): Promise<UpgradeReport> {
    try {
      const kept = await this.#start(order, tell);
      this.#hand(kept);
    } catch (thrown) {
      const error = DaemonError.from(thrown);
      await this.#goBack();
      const verdict = this.#stopCause === null ? 'failed' : 'pre-empted';
      const report = this.#report(verdict, startedAt, verdict === 'failed' ? error : new DaemonError('E_UPGRADE', `The daemon stops: ${String(this.#stopCause)}`));
      this.#tellEnd(report);
      return report;
    }
    this.#tellEnd(this.#report('done', startedAt, null));
    tell('draining');
    await this.#emptyQueue();
    this.#parts.stop('upgrade', false);
    const cut = await this.#drained.promise;
    return { ...this.#report('done', startedAt, null), cut };
  }

  /** @returns those of our descriptors that the new one goes on with, once it serves */
  async #start(order: UpgradeOrder, tell: (stage: UpgradeStage) => void): Promise<readonly number[]> {
    const { clock, emit, manager, path, sockets, startTimeout, busy, service, stop } = this.#parts;
    tell('checking');
    this.#version = await tryProgram(order, process.execArgv);
    this.#refuseIfStopped();
    const args = process.argv.slice(2);
    const successor = await Successor.start({
      clock,
      order,
      nodeArguments: process.execArgv,
      args,
      env: { ...process.env, ...variablesOf(manager) },
      handover: { pid: process.pid, folder: path },
      sockets: sockets(),
      as: manager.notifySocket === null ? 'child' : 'orphan',
      onHurry: (cause) => {
        if (this.#state === 'handed') stop(cause, true);
      },
    });
    this.#successor = successor;
    this.#pid = successor.pid;
    emit('upgrade.started', { successor: successor.pid, version: this.#version, command: [order.node, ...process.execArgv, order.program, ...args].join(' ') });
    this.#refuseIfStopped();
    tell('starting');
    const started = await successor.hears('started', startTimeout + MARGIN);
    this.#node = started.node;
    tell('starting');
    this.#refuseIfStopped();
    await successor.hears('ready', 2 * started.startTimeout + MARGIN);
    this.#refuseIfStopped(busy());
    this.#state = 'handing';
    tell('taking-over');
    await service()?.mute();
    successor.send({ type: 'take-over' });
    const { kept } = await successor.hears('took-over', TAKE_OVER_TIMEOUT);
    return successor.ours(kept);
  }

  #refuseIfStopped(cause: string | null = null): void {
    this.#stopCause ??= cause;
    if (this.#stopCause !== null) throw new DaemonError('E_UPGRADE', this.#stopCause);
  }

  #hand(kept: readonly number[]): void {
    this.#state = 'handed';
    this.#parts.folder.leave();
    this.#parts.leave(kept);
  }

  /** The new one is not to be, or has gone: it may have been about to take over. */
  async #goBack(): Promise<void> {
    const { folder, state, service } = this.#parts;
    await this.#successor?.stop();
    this.#successor = null;
    if (this.#state === 'handing') {
      folder.announce(state);
      service()?.unmute();
    }
    folder.sweep();
    this.#state = 'alone';
  }

  /** Whoever has been accepted already is served. */
  async #emptyQueue(): Promise<void> {
    const { clock, waiting, startTimeout } = this.#parts;
    // Nobody waits longer, as the dispatcher has it.
    const end = clock.monotonic() + startTimeout;
    while (waiting() > 0 && clock.monotonic() < end) await new Promise<void>((resolve) => clock.after(LOOK_INTERVAL, resolve));
  }

  #tellEnd({ verdict, tookMs, error, hint }: UpgradeReport): void {
    const [successor, version] = this.#pid === 0 ? [null, null] : [this.#pid, this.#version];
    this.#parts.emit(
      'upgrade.ended',
      { verdict, successor, version, ms: tookMs, error: error === '' ? null : error, hint: error === '' ? null : hint },
      verdict === 'done' ? 'info' : verdict === 'pre-empted' ? 'warn' : 'error',
    );
  }

  #report(verdict: UpgradeVerdict, startedAt: number, error: DaemonError | null): UpgradeReport {
    const { clock, state } = this.#parts;
    const serving = verdict === 'done' ? { pid: this.#pid, version: this.#version, node: this.#node } : { pid: state.pid, version: state.version, node: process.version };
    const said = { error: error?.message ?? '', hint: error?.hint ?? '', code: error?.code ?? '', detail: error?.detail ?? '' };
    return { verdict, ...serving, tookMs: Math.round(clock.monotonic() - startedAt), cut: 0, ...said };
  }
}

/** What the service manager said to this process is meant for the next one as well (sd_notify(3), sd_watchdog_enabled(3)). */
function variablesOf({ notifySocket, watchdog }: Pick<ServiceManager, 'notifySocket' | 'watchdog'>): NodeJS.ProcessEnv {
  return {
    ...(notifySocket === null ? {} : { NOTIFY_SOCKET: notifySocket }),
    ...(watchdog === null ? {} : { WATCHDOG_USEC: String(watchdog * 1000) }),
  };
}
