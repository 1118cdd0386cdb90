/**
 * Runs in the primary. The routers of `balance: rpc`: keeps as many as wanted alive, gives them the connections, and
 * tells them which workers there are. They live through reloads, so what a reload changes is told to them, too. The
 * routers' half is src/router/main.ts.
 */
import type { Config } from '../../config/options.js';
import type { FromRouter, ToRouter } from '../../ipc/router-messages.js';
import type { Clock } from '../../shared/clock.js';
import { deferred } from '../../shared/deferred.js';
import { toError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { Dispatcher } from '../dispatcher.js';
import type { ForkedProcess } from '../fork.js';
import { Slots } from '../slots.js';
import { Timers } from '../timers.js';
import { UnitOwner } from '../unit-owner.js';
import type { LimitTold } from '../limit-book.js';
import { RouterDoor } from './router-door.js';
import { RouterHandle } from './router-handle.js';
import { RouterSettings, type RouterSettingsParts, type TlsPair } from './router-settings.js';
import { RouterTotals, type RouterFigures } from './router-totals.js';
import { RouterWatch } from './router-watch.js';

/** What clients get to close their half when all calls have ended, in milliseconds. */
const LAST_WORDS = 3000;

export interface RouterFleetOptions extends RouterSettingsParts {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Numbers in 0..1. */
  readonly random: () => number;
  readonly fork: () => ForkedProcess;
  readonly dispatcher: Dispatcher;
  /** The unix socket on which a worker takes the links of routers. */
  readonly linkPath: (worker: number) => string;
  readonly onChange: () => void;
  /** Clients of a router came to a limit. */
  readonly onLimit: (told: LimitTold) => void;
}

export class RouterFleet {
  /** The way by which calls come to workers. */
  readonly door: RouterDoor;
  readonly #options: RouterFleetOptions;
  readonly #routers = new Map<number, RouterHandle>();
  readonly #totals = new RouterTotals();
  readonly #slots: Slots;
  readonly #units: UnitOwner;
  readonly #emptied = deferred<undefined>();
  readonly #timers: Timers;
  readonly #first = deferred<undefined>();
  readonly #settings: RouterSettings;
  readonly #watch: RouterWatch;
  #nextId = 1;
  #state: 'serving' | 'stopping' = 'serving';

  constructor(options: RouterFleetOptions) {
    this.#options = options;
    this.door = new RouterDoor({ routers: () => this.#told(), linkPath: options.linkPath });
    this.#settings = new RouterSettings(options);
    this.#timers = new Timers(options.clock);
    this.#watch = new RouterWatch({
      clock: options.clock,
      routers: () => this.#routers.values(),
      hangTimeout: () => this.#settings.config.hangTimeout,
      onLate: (router, cause) => this.#kill(router, cause),
    });
    this.#slots = new Slots(options.random);
    this.#units = new UnitOwner(options.config.maximumConcurrentRpcs);
  }

  /** Those that have not exited, by their index. */
  get routers(): readonly RouterHandle[] {
    return [...this.#routers.values()].sort((one, other) => one.index - other.index);
  }

  /** Of each index, whether there is a router now or not. */
  get figures(): RouterFigures[] {
    const { routers } = this;
    return Array.from({ length: this.#options.config.routers }, (_, index) => {
      const router = routers.find((one) => one.index === index);
      const load = router?.load ?? null;
      return { index, isReady: router?.state === 'ready', restarts: this.restarts(index), load, total: this.#totals.of(index, load) };
    });
  }

  /** Resolves when the first is ready. */
  get ready(): Promise<unknown> {
    return this.#first.promise;
  }

  restarts(index: number): number {
    return this.#slots.restarts(index);
  }

  start(): void {
    for (let index = 0; index < this.#options.config.routers; index += 1) this.#fork(index);
    this.#watch.start();
  }

  /** For connections and calls that come from now on. */
  apply(config: Config, tls: TlsPair | null): void {
    const { authentication, clientAuthentication } = this.#settings.config;
    const isOpenToOthers = config.authentication !== authentication || config.clientAuthentication !== clientAuthentication;
    this.#settings.config = config;
    this.#units.setLimit(config.maximumConcurrentRpcs);
    this.#tell({ type: 'set-limits', limits: this.#settings.limits });
    this.setLogLevel(config.log.level);
    if (isOpenToOthers) this.#setSecurity(config, tls);
    else if (tls !== null) this.setCertificates(tls);
  }

  /** @returns whether there is a router to be told */
  setCertificates(tls: TlsPair): boolean {
    this.#settings.tls = tls;
    this.#tell({ type: 'set-certificates', tls: { pem: tls.pem } });
    return this.#routers.size > 0;
  }

  #setSecurity({ clientAuthentication, gracefulTimeout, streamGracefulTimeout }: Config, tls: TlsPair | null): void {
    this.#settings.tls = tls;
    const grace = Math.max(gracefulTimeout, streamGracefulTimeout);
    this.#tell({ type: 'set-security', tls: tls === null ? null : { pem: tls.pem }, clientAuthentication, grace });
  }

  setLogLevel(level: string): void {
    this.#settings.logLevel = level;
    this.#tell({ type: 'set-log-level', level });
  }

  /** Lets the clients go. @param quick all within that many milliseconds; null: as long as their calls take */
  drain(cause: string, quick: number | null): void {
    this.#state = 'stopping';
    this.door.stop();
    this.#watch.stop();
    this.#timers.cancelAll();
    for (const router of this.#routers.values()) {
      router.state = 'draining';
      router.send({ type: 'drain', cause, quick });
    }
    this.#checkEmpty();
  }

  /** Resolves after a drain, when the last router has exited. No worker is left: whoever takes longer is not waited for. */
  async over(): Promise<void> {
    const cancel = this.#options.clock.after(LAST_WORDS, () => {
      for (const router of this.#routers.values()) this.#kill(router, 'stop');
    });
    await this.#emptied.promise;
    cancel();
  }

  #fork(index: number): void {
    const { clock, emit, fork } = this.#options;
    if (this.#state === 'stopping') return;
    const id = this.#nextId++;
    const isFirst = this.#slots.noteFork(index) === 0;
    try {
      const router = new RouterHandle(id, index, clock.monotonic());
      router.attach(fork(), {
        onMessage: (message) => this.#take(router, message),
        onExit: (exitCode, signal) => this.#exited(router, exitCode, signal),
        // It prints nothing but why it dies.
        onLine: (stream, line) => emit('router.console', { ...router.label, stream, line }),
      });
      this.#routers.set(id, router);
      emit('router.starting', { ...router.label, cause: isFirst ? 'boot' : 'crash' });
    } catch (error) {
      emit('router.failed', { index, router: null, error: `Cannot fork a router: ${toError(error).message}` });
      this.#replace(index, 0);
    }
  }

  #take(router: RouterHandle, message: FromRouter): void {
    const { clock, dispatcher, emit, onLimit } = this.#options;
    router.lastSign = clock.monotonic();
    switch (message.type) {
      case 'awake':
        router.send(this.#settings.startOrder(router.index));
        break;
      case 'ready':
        this.#ready(router);
        break;
      case 'failed':
        emit('router.failed', { ...router.label, error: message.error.message });
        break;
      case 'heartbeat':
        router.meter.note(message, router.lastSign);
        break;
      case 'socket-taken':
        dispatcher.acknowledged(router.id, message.id);
        break;
      case 'socket-lost':
        dispatcher.lost(router.id, message.id);
        break;
      case 'sockets-closed':
        dispatcher.closed(router.id, message.ids);
        break;
      case 'limit-reached':
        router.limits.add(message);
        onLimit(message);
        break;
      case 'units-wanted':
        this.#units.wanted(router, message.count);
        break;
      case 'units-returned':
        this.#units.returned(router, message.count, message.when);
        break;
      case 'worker-left':
        this.door.noteLeft(message.id, router);
        break;
      case 'drained':
        break;
    }
  }

  #ready(router: RouterHandle): void {
    const { clock, dispatcher, emit, onChange } = this.#options;
    if (router.state !== 'starting') return;
    router.state = 'ready';
    router.readyAt = clock.monotonic();
    for (const order of this.door.orders) router.send(order);
    this.#units.add(router);
    dispatcher.admit(router.id, {
      slot: router.index,
      give: (id, socket, onFailure) => router.sendSocket({ type: 'take-socket', id }, socket, onFailure),
      confirm: (id) => router.send({ type: 'confirm-socket', id }),
    });
    this.#first.resolve(undefined);
    emit('router.ready', { ...router.label, bootMs: Math.round(router.readyAt - router.forkedAt) });
    onChange();
  }

  #exited(router: RouterHandle, exitCode: number | null, signal: string | null): void {
    const { clock, dispatcher, emit, onChange } = this.#options;
    const now = clock.monotonic();
    const cause = router.state === 'draining' ? 'stop' : 'crash';
    router.state = 'gone';
    this.#routers.delete(router.id);
    dispatcher.gone(router.id);
    this.#units.remove(router);
    this.door.noteRouterGone(router);
    this.#totals.noteGone(router.index, router.load);
    emit('router.gone', { ...router.label, cause, exitCode, signal }, cause === 'stop' ? 'info' : 'warn');
    if (cause === 'crash') this.#replace(router.index, router.readyAt === null ? 0 : now - router.readyAt);
    this.#checkEmpty();
    onChange();
  }

  /** @param readyFor how long the last one had been ready, in milliseconds */
  #replace(index: number, readyFor: number): void {
    const now = this.#options.clock.monotonic();
    const { retryAt } = this.#slots.charge(index, now, readyFor);
    this.#timers.after(Math.max(0, retryAt - now), () => this.#fork(index));
  }

  #kill(router: RouterHandle, cause: string): void {
    this.#options.emit('router.killed', { ...router.label, cause });
    router.kill();
  }

  /** New settings, also to those that start: they may have had their order, and heed nothing before it. */
  #tell(message: ToRouter): void {
    for (const router of this.#routers.values()) router.send(message);
  }

  #told(): RouterHandle[] {
    return [...this.#routers.values()].filter(({ state }) => state === 'ready' || state === 'draining');
  }

  #checkEmpty(): void {
    if (this.#state === 'stopping' && this.#routers.size === 0) this.#emptied.resolve(undefined);
  }
}
