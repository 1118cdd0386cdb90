/**
 * Runs in a router. All of it but what makes a process of it (main.ts): clients on one side, workers on the other, and
 * a switch for each client between them.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ClientConnection } from '../front/client-connection.js';
import { leaveInTurn } from '../front/leave-in-turn.js';
import { factsOf, nameOf } from '../front/peer-facts.js';
import { encodeProxyHeader } from '../front/proxy-header.js';
import type { ConnectionError } from '../http2/connection-error.js';
import { ERROR_CODE } from '../http2/constants.js';
import { cpuSeconds } from '../ipc/cpu-seconds.js';
import type { RouterLimits, RouterLoad } from '../ipc/router-messages.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import { RefusedCalls } from './refused-calls.js';
import { CallUnits, type CallUnitsOptions } from './call-units.js';
import type { WorkerPlace } from './routed-worker.js';
import { Switch, type SwitchContext } from './switch.js';
import { WaitingCalls } from './waiting-calls.js';
import { WorkerRoster } from './worker-roster.js';

/** A link without calls closes when none has come between two looks: after once to twice that long, in milliseconds. */
export const LINK_IDLE = 30_000;

type WorkerLoad = RouterLoad['workers'][number];

const CODE_NAMES = new Map<number, string>(Object.entries(ERROR_CODE).map(([name, code]) => [code, name]));

export interface RouterOptions {
  readonly limits: RouterLimits;
  readonly clock: Clock;
  /** Numbers in 0..1. */
  readonly random: () => number;
  readonly units: Omit<CallUnitsOptions, 'clock'>;
  /** A client broke the protocol, and its connection ends. */
  readonly onFault: (peer: string, fault: ConnectionError) => void;
  /** A client came to a limit. */
  readonly onLimit: (limit: ClientLimit, peer: string) => void;
  /** A worker that was withdrawn has no call and no link any more. */
  readonly onWorkerLeft: (id: number) => void;
}

export class Router {
  /** The share of this router in the cap on calls. */
  readonly units: CallUnits;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onFault: RouterOptions['onFault'];
  readonly #onLimit: RouterOptions['onLimit'];
  readonly #room: WaitingCalls;
  readonly #roster: WorkerRoster;
  readonly #context: SwitchContext;
  readonly #connections = new Map<ClientConnection, Socket>();
  #limits: RouterLimits;
  #state: 'serving' | 'leaving' = 'serving';
  #lost = 0;
  #cancelLook: () => void = () => undefined;
  readonly #refused = new RefusedCalls();
  readonly #faults: Record<string, number> = {};
  /** Of connections and workers that are gone. */
  readonly #past = { bytesRead: 0, bytesWritten: 0, calls: 0 };

  constructor({ limits, clock, random, units, onFault, onLimit, onWorkerLeft }: RouterOptions) {
    this.#limits = limits;
    this.#clock = clock;
    this.#random = random;
    this.#onFault = onFault;
    this.#onLimit = onLimit;
    this.units = new CallUnits({ ...units, clock });
    this.#room = new WaitingCalls(limits.queueTimeout, clock, this.#refused);
    this.#roster = new WorkerRoster({ clock, onGood: () => this.#room.serve(), onLeft: onWorkerLeft });
    this.#context = {
      roster: this.#roster,
      units: this.units,
      room: this.#room,
      refused: this.#refused,
      clock,
      onLost: (calls) => (this.#lost += calls),
    };
    this.#lookForIdleLinks();
  }

  /** @param socket a TCP or unix socket, or a TLS session whose handshake is done. Takes ownership */
  accept(socket: Socket): void {
    const peer = factsOf(socket);
    const header = encodeProxyHeader(peer, socket instanceof TLSSocket);
    const connection: ClientConnection = new ClientConnection({
      socket,
      limits: this.#limits,
      clock: this.#clock,
      random: this.#random,
      connect: (owner) => new Switch(owner, header, this.#context),
      onLimit: (limit) => this.#onLimit(limit, nameOf(peer)),
      onClose: (fault) => {
        this.#connections.delete(connection);
        this.#past.bytesRead += socket.bytesRead;
        this.#past.bytesWritten += socket.bytesWritten;
        if (fault === null) return;
        const name = CODE_NAMES.get(fault.code) ?? 'other';
        this.#faults[name] = (this.#faults[name] ?? 0) + 1;
        this.#onFault(nameOf(peer), fault);
      },
    });
    this.#connections.set(connection, socket);
    if (this.#state === 'leaving') connection.leave('drain', null);
  }

  admitWorker(place: WorkerPlace): void {
    this.#roster.admit(place);
  }

  /** It gets no new calls. Those that it has go on. */
  withdrawWorker(id: number): void {
    this.#roster.withdraw(id);
  }

  /** It has exited. */
  workerGone(id: number): void {
    this.#past.calls += this.#roster.gone(id);
  }

  /** For connections and calls that come from now on. */
  setLimits(limits: RouterLimits): void {
    this.#limits = limits;
    this.#room.queueTimeout = limits.queueTimeout;
  }

  /** Asks the clients to leave; calls in flight go on. */
  leave(): void {
    if (this.#state === 'leaving') return;
    this.#state = 'leaving';
    leaveInTurn([...this.#connections.keys()], null);
  }

  /** Asks those who are connected now to leave, and goes on. @param grace milliseconds after which they are gone anyway */
  sendAway(grace: number): void {
    leaveInTurn([...this.#connections.keys()], grace);
  }

  /** Forgets all workers, for the end. */
  close(): void {
    this.#cancelLook();
    for (const { place } of [...this.#roster]) this.workerGone(place.id);
  }

  /** Looks once at each worker, link and connection: with ten thousand connections there is no list of them to spare. */
  statistics(): RouterLoad {
    let { calls, bytesRead, bytesWritten } = this.#past;
    let buffered = this.#room.bytes;
    let [links, inFlight] = [0, 0];
    const workers: WorkerLoad[] = [];
    for (const worker of this.#roster) {
      const { place, links: open, standing } = worker;
      workers.push({ id: place.id, links: open.size, inFlight: worker.inFlight, calls: worker.calls, standing });
      links += open.size;
      inFlight += worker.inFlight;
      calls += worker.calls;
      for (const link of open) buffered += link.buffered;
    }
    for (const [connection, socket] of this.#connections) {
      buffered += connection.buffered;
      bytesRead += socket.bytesRead;
      bytesWritten += socket.bytesWritten;
    }
    return {
      connections: this.#connections.size,
      links,
      inFlight,
      waiting: this.#room.size,
      calls,
      lost: this.#lost,
      refused: this.#refused.counts,
      faults: { ...this.#faults },
      buffered,
      bytesRead,
      bytesWritten,
      cpu: cpuSeconds(),
      workers,
    };
  }

  #lookForIdleLinks(): void {
    this.#cancelLook = this.#clock.after(LINK_IDLE, () => {
      for (const { links } of this.#roster) for (const link of [...links]) if (link.calls.lookUnused()) link.retire();
      this.#lookForIdleLinks();
    });
  }
}
