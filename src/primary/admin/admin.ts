/**
 * Runs in the primary. The admin page: metrics of the whole server and probes, over HTTP. It keeps the totals whether the
 * page is open or not, because a reload may open it.
 */
import type { Endpoint } from '../../config/option-values.js';
import type { CallFigures } from '../../ipc/call-figures.js';
import type { Clock } from '../../shared/clock.js';
import { toError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import type { Dispatcher } from '../dispatcher.js';
import type { RefusalLog } from '../refusal-log.js';
import type { Reloader } from '../reloader.js';
import type { Supervisor } from '../supervisor.js';
import type { PassedSocket } from '../systemd/environment.js';
import type { WorkerDoor } from '../worker-door.js';
import type { WorkerHandle } from '../worker-handle.js';
import { AdminHttp, type Answer } from './admin-http.js';
import { AdminPort, type PortChange } from './admin-port.js';
import { CallBook } from './call-book.js';
import { callSamples } from './call-samples.js';
import { daemonSamples } from './daemon-samples.js';
import type { History } from './history.js';
import { describeReadiness, type Readiness } from './readiness.js';
import { renderMetrics } from './render-metrics.js';
import { RollCall } from './roll-call.js';

export interface AdminOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly history: History;
  /** Sockets for the page that listen already. */
  readonly passed: readonly PassedSocket[];
  readonly dispatcher: Dispatcher;
  /** How work comes to workers; asked for when the page is. */
  readonly door: () => WorkerDoor;
  readonly refusals: RefusalLog;
  /** Asked for when the page is. */
  readonly fleet: () => { readonly supervisor: Supervisor; readonly reloader: Reloader; readonly isLeaving: boolean };
}

export class Admin {
  readonly #options: AdminOptions;
  readonly #startedAt: number;
  readonly #book = new CallBook();
  readonly #rollCall: RollCall<WorkerHandle>;
  readonly #http: AdminHttp;
  readonly #port: AdminPort;

  constructor(options: AdminOptions) {
    const { clock, emit, passed } = options;
    this.#options = options;
    this.#startedAt = clock.now();
    this.#rollCall = new RollCall(clock);
    this.#http = new AdminHttp({
      clock,
      routes: {
        '/metrics': () => this.#metrics(),
        '/livez': () => ({ status: 200, text: 'alive\n' }),
        '/readyz': () => this.#ready(),
      },
      onFailure: (path, error) => emit('admin.failed', { path, error: toError(error).stack }),
    });
    // Accepting fails when the process is out of descriptors, which its own port reports.
    this.#port = new AdminPort({ onSocket: (socket) => this.#http.take(socket), onError: () => undefined }, passed);
  }

  /** Opens the page on the sockets that were passed, or else where the config wants it. @throws DaemonError */
  open(wanted: Endpoint | null): Promise<void> {
    return this.#port.open(wanted);
  }

  /** Prepares what a reload wants. @throws DaemonError when the address cannot be opened; the old one stays */
  async change(wanted: Endpoint | null): Promise<Pick<PortChange, 'discard'> & { commit(): void }> {
    const change = await this.#port.change(wanted);
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
    this.#rollCall.answered(worker, id);
  }

  close(): void {
    this.#port.close();
    this.#http.close();
  }

  #ready(): Answer {
    const { isReady, text } = this.#readiness();
    return { status: isReady ? 200 : 503, text: `${text}\n` };
  }

  #readiness(): Readiness {
    const { supervisor, isLeaving } = this.#options.fleet();
    const { goal, generation } = supervisor.plan;
    return describeReadiness({
      phase: supervisor.phase,
      isLeaving,
      ready: supervisor.workers.filter(({ state }) => state === 'ready').length,
      wanted: goal.workers,
      minReadyWorkers: generation.config.minReadyWorkers,
    });
  }

  async #metrics(): Promise<Answer> {
    const { dispatcher, refusals, history } = this.#options;
    const door = this.#options.door();
    const { supervisor, reloader } = this.#options.fleet();
    // One that boots has served nothing, and is often busy.
    const silent = await this.#rollCall.ask(supervisor.workers.filter(({ state }) => state === 'ready' || state === 'draining'));
    const { contentType, text } = await renderMetrics({
      ...callSamples(this.#book),
      ...daemonSamples({
        startedAt: this.#startedAt,
        isReady: this.#readiness().isReady,
        goal: supervisor.plan.goal,
        workers: supervisor.workers,
        connectionsOf: (id) => (door.linkPath(id) === null ? door.loadOf(id) : 0),
        silent,
        history,
        waiting: dispatcher.waiting,
        refused: (reason) => refusals.total(reason),
        isReloading: reloader.progress !== null,
        lastReload: reloader.last,
        tls: supervisor.plan.generation.tls,
        now: new Date(this.#options.clock.now()),
      }),
    });
    return { status: 200, contentType, text };
  }
}
