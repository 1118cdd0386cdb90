/**
 * Runs in the primary. The admin port: metrics of the whole server, probes and the dashboard, over HTTP. It keeps the
 * totals whether it is open or not, because a reload may open it.
 */
import { readAdminToken } from '../../config/admin-token.js';
import type { Config } from '../../config/options.js';
import type { CallFigures } from '../../ipc/call-figures.js';
import type { HandedSocket } from '../../ipc/upgrade-messages.js';
import type { Clock } from '../../shared/clock.js';
import { toError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { Dispatcher } from '../dispatcher.js';
import type { RefusalLog } from '../refusal-log.js';
import { LimitBook, type LimitTold } from '../limit-book.js';
import type { Reloader } from '../reloader.js';
import type { RouterFleet } from '../routers/router-fleet.js';
import type { Supervisor } from '../supervisor.js';
import type { PassedSocket } from '../systemd/environment.js';
import type { WorkerDoor } from '../worker-door.js';
import type { WorkerHandle } from '../worker-handle.js';
import { AdminHttp, type Answer } from './admin-http.js';
import { AdminPort, type PortChange } from './admin-port.js';
import { CallBook } from './call-book.js';
import { callSamples } from './call-samples.js';
import { daemonSamples } from './daemon-samples.js';
import { Dashboard, type DashboardSources } from './dashboard/dashboard.js';
import { refuseForeignHost } from './dashboard/host-check.js';
import type { Marks } from './dashboard/marks.js';
import type { History } from './history.js';
import { describeReadiness, type Readiness } from './readiness.js';
import { renderMetrics } from './render-metrics.js';
import { RollCall } from './roll-call.js';
import type { SampledFleet } from './dashboard/sample.js';
import { routerSamples } from './router-samples.js';

/** They say nothing that anybody could want to steal, and those who ask may not know a name of ours. */
const PROBES: readonly string[] = ['/livez', '/readyz'];

export interface AdminOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly history: History;
  readonly marks: Marks;
  /** Sockets for the page that listen already. */
  readonly passed: readonly PassedSocket[];
  readonly dispatcher: Dispatcher;
  readonly refusals: RefusalLog;
  /** Asked for when the page is. */
  readonly fleet: () => {
    readonly supervisor: Supervisor;
    readonly reloader: Reloader;
    readonly isLeaving: boolean;
    /** How work comes to workers. */
    readonly door: WorkerDoor;
    /** Null with `balance: connection`. */
    readonly routers: RouterFleet | null;
  } & Omit<DashboardSources, 'serving' | 'fleet'>;
}

export type AdminSettings = Pick<Config, 'admin' | 'adminToken'>;

export class Admin {
  readonly #options: AdminOptions;
  readonly #startedAt: number;
  readonly #book = new CallBook();
  readonly #limits = new LimitBook();
  readonly #rollCall: RollCall<WorkerHandle>;
  readonly #dashboard: Dashboard;
  readonly #http: AdminHttp;
  readonly #port: AdminPort;
  /** The daemon that has replaced this one, so that the server is ready while this one leaves. */
  #heir: 'none' | 'ready' = 'none';

  constructor(options: AdminOptions) {
    const { clock, emit, marks, fleet, passed } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#rollCall = new RollCall(clock);
    this.#dashboard = new Dashboard({
      clock,
      marks,
      book: this.#book,
      sources: () => ({ ...fleet(), fleet: () => this.#sampled(), serving: () => this.#telling('ready').map(({ id }) => id) }),
    });
    this.#http = new AdminHttp({
      clock,
      routes: {
        'GET /metrics': () => this.#metrics(),
        'GET /livez': () => ({ status: 200, text: 'alive\n' }),
        'GET /readyz': () => this.#ready(),
        ...this.#dashboard.routes,
      },
      refuse: ({ path, headers }) => (PROBES.includes(path) ? null : refuseForeignHost(this.#port.addresses, headers.host)),
      onFailure: (path, error) => emit('admin.failed', { path, error: toError(error).stack }),
    });
    // Accepting fails when the process is out of descriptors, which its own port reports.
    this.#port = new AdminPort({ onSocket: (socket) => this.#http.take(socket), onError: () => undefined }, passed);
  }

  /** Opens the page on the sockets that were passed, or else where the config wants it. @param handed as `AdminPort.open` @throws DaemonError */
  async open({ admin, adminToken }: AdminSettings, handed?: readonly HandedSocket[]): Promise<void> {
    const token = readAdminToken(adminToken);
    await this.#port.open(admin, handed);
    this.#dashboard.open(this.#port.addresses.length > 0, token);
  }

  /** Where it listens, for the daemon that replaces this one. */
  get port(): Pick<AdminPort, 'sockets' | 'accept'> {
    return this.#port;
  }

  /** Answers only who is connected already; of the descriptors that are `kept`, another daemon goes on with the socket. */
  leave(kept: readonly number[]): void {
    this.#port.leave(kept);
    this.#heir = 'ready';
  }

  /** Prepares what a reload wants. @throws DaemonError when the address cannot be opened or the token not be read; the old ones stay */
  async change(wanted: AdminSettings): Promise<Pick<PortChange, 'discard'> & { commit(): void }> {
    const change = await this.#prepare(wanted);
    return {
      commit: () => {
        if (change.commit()) this.announce();
      },
      discard: () => change.discard(),
    };
  }

  /** Says where it listens, if anywhere. */
  announce(): void {
    for (const address of this.#port.addresses) this.#options.emit('admin.listening', { address });
  }

  /** A worker says what its calls have come to. */
  told(worker: WorkerHandle, { id, ...figures }: CallFigures & { readonly id: number | null }): void {
    this.#book.add(figures);
    this.#dashboard.told(worker.id, figures, id === null);
    this.#rollCall.answered(worker, id);
  }

  /** Clients of a worker or router came to a limit. */
  limitReached(told: LimitTold): void {
    this.#limits.add(told);
  }

  close(): void {
    this.#port.close();
    this.#http.close();
  }

  async #prepare({ admin, adminToken }: AdminSettings): Promise<PortChange> {
    const token = readAdminToken(adminToken);
    const change = await this.#port.change(admin);
    return {
      commit: () => {
        const isElsewhere = change.commit();
        this.#dashboard.open(this.#port.addresses.length > 0, token);
        return isElsewhere;
      },
      discard: () => change.discard(),
    };
  }

  #sampled(): SampledFleet {
    const { supervisor, routers, door } = this.#options.fleet();
    const { workers } = supervisor;
    // Where there are routers, the connections of workers are the routers' own.
    const each = routers === null ? workers.map(({ id }) => door.connectionsOf(id)) : routers.routers.map(({ load }) => load?.connections ?? 0);
    return { workers, connections: each.reduce((sum, count) => sum + count, 0) };
  }

  #telling(...states: readonly WorkerHandle['state'][]): WorkerHandle[] {
    return this.#options.fleet().supervisor.workers.filter(({ state }) => states.includes(state));
  }

  #ready(): Answer {
    if (this.#heir === 'ready') return { status: 200, text: 'ready: a new daemon has taken over\n' };
    const { isReady, text } = this.#readiness();
    return { status: isReady ? 200 : 503, text: `${text}\n` };
  }

  #readiness(): Readiness {
    const { supervisor, isLeaving, routers } = this.#options.fleet();
    const { goal, generation } = supervisor.plan;
    return describeReadiness({
      phase: supervisor.phase,
      isLeaving,
      ready: supervisor.workers.filter(({ state }) => state === 'ready').length,
      wanted: goal.workers,
      minReadyWorkers: generation.config.minReadyWorkers,
      routers: routers === null ? null : routers.routers.filter(({ state }) => state === 'ready').length,
    });
  }

  async #metrics(): Promise<Answer> {
    const { dispatcher, refusals, history } = this.#options;
    const { supervisor, reloader, door, routers } = this.#options.fleet();
    // One that boots has served nothing, and is often busy.
    const silent = await this.#rollCall.ask(this.#telling('ready', 'draining'));
    const figures = routers?.figures ?? [];
    const { contentType, text } = await renderMetrics({
      ...callSamples(this.#book, figures.reduce((sum, { total }) => sum + total.refused.limit, 0)),
      ...routerSamples(figures),
      ...daemonSamples({
        startedAt: this.#startedAt,
        isReady: this.#readiness().isReady,
        goal: supervisor.plan.goal,
        workers: supervisor.workers,
        connectionsOf: (id) => door.connectionsOf(id),
        silent,
        history,
        waiting: dispatcher.waiting,
        refused: (reason) => refusals.total(reason),
        limits: this.#limits,
        isReloading: reloader.progress !== null,
        lastReload: reloader.last,
        tls: supervisor.plan.generation.tls,
        now: new Date(this.#options.clock.now()),
      }),
    });
    return { status: 200, contentType, text };
  }
}
