import { ClientConnection } from '#src/front/client-connection.js';
import type { FrontLimits } from '#src/front/front-limits.js';
import { LinkServer } from '#src/worker/link-server.js';
import { Router } from '#src/router/router.js';
import { createLeanServer, type OpenStream } from '#src/worker/transport/lean/adapter.js';
import { AnswerEncoder } from '#src/worker/transport/lean/answer-headers.js';
import { RequestReader } from '#src/worker/transport/lean/request-headers.js';
import { Session } from '#src/worker/transport/lean/session.js';
import type { Socket } from 'node:net';
import { systemClock } from '#src/shared/clock.js';
import { FakeClock } from '../support/fake-clock.js';
import { LIMITS } from '../support/front-pair.js';
import { PEER } from '../support/lean-rig.js';
import { ROUTER_LIMITS } from '../support/router-rig.js';
import { TempDir } from '../support/temp-dir.js';
import { createServer } from './grpc-server.js';
import type { MemorySocket } from './memory-socket.js';
import { SeamWatch } from './seam-watch.js';

/** Something that serves connections, and what has to be true of it. */
export interface Target extends AsyncDisposable {
  accept(socket: MemorySocket): Connection;
  /** As much as those need whose end was begun, where the clock is turned by hand. */
  passTime(): void;
  /** Of the whole, when nobody but the neighbour is left. */
  findLeftovers(): string[];
}

export interface Connection {
  /** After each frame. */
  findViolations(): string[];
  readonly isClosed: boolean;
}

const MOST_STREAMS = 20;
const MOST_METADATA = 8192;
/** Far above what the windows and bounds of a connection allow. */
const MOST_BUFFERED = 64 * 1024 * 1024;

/** A worker that serves its clients itself. */
export class LeanTarget implements Target {
  readonly #open: OpenStream;
  readonly #requests = new RequestReader(MOST_METADATA);
  readonly #answers = new AnswerEncoder();
  readonly #limits: FrontLimits = { ...LIMITS, maxConcurrentStreams: MOST_STREAMS, maxMetadataSize: MOST_METADATA };
  readonly #clock = new FakeClock();
  #streams = 0;
  #connections = 0;

  constructor() {
    const open = createLeanServer(createServer(), []);
    this.#open = (stream, headers) => {
      this.#streams += 1;
      let closes = 0;
      stream.on('close', () => {
        closes += 1;
        this.#streams -= closes === 1 ? 1 : 1000;
      });
      open(stream, headers);
    };
  }

  accept(socket: MemorySocket): Connection {
    let isClosed = false;
    let watch: SeamWatch | undefined;
    let session: Session | undefined;
    this.#connections += 1;
    const connection = new ClientConnection({
      socket,
      limits: this.#limits,
      clock: this.#clock,
      random: () => 0.5,
      connect: (owner) => {
        watch = new SeamWatch(owner);
        session = new Session({ owner: watch.owner, peer: PEER, open: this.#open, requests: this.#requests, answers: this.#answers, clock: this.#clock, onLimit: () => undefined });
        watch.links = session;
        return watch;
      },
      onLimit: () => undefined,
      onClose: () => {
        isClosed = true;
        this.#connections -= 1;
      },
    });
    return {
      get isClosed() {
        return isClosed;
      },
      findViolations: () => {
        const found = [...(watch?.violations ?? [])];
        const [front, back] = [connection.streams, session?.size ?? 0];
        if (front > MOST_STREAMS) found.push(`${front} streams`);
        if (back > front && !isClosed) found.push(`${back} streams of the session, ${front} of the front`);
        if (!(connection.buffered >= 0 && connection.buffered < MOST_BUFFERED)) found.push(`${connection.buffered} bytes are buffered`);
        if (isClosed && back > 0) found.push(`${back} streams after the end`);
        return found;
      },
    };
  }

  findLeftovers(): string[] {
    const found: string[] = [];
    // The neighbour's.
    if (this.#connections > 1) found.push(`${this.#connections - 1} connections`);
    if (this.#streams !== 0) found.push(`${this.#streams} streams`);
    if (this.#clock.pending > 0) found.push(`${this.#clock.pending} timers`);
    return found;
  }

  passTime(): void {
    this.#clock.advance(2000);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** A router with two workers behind it. */
export class RouterTarget implements Target {
  readonly #folder = new TempDir();
  readonly #workers: LinkServer[] = [];
  readonly #faults: string[] = [];
  readonly #router: Router = new Router({
    limits: { ...ROUTER_LIMITS, maxConcurrentStreams: MOST_STREAMS, maxMetadataSize: MOST_METADATA },
    clock: systemClock,
    random: () => 0.5,
    units: { ask: () => undefined, giveBack: () => undefined },
    onFault: () => undefined,
    onLimit: () => undefined,
    onWorkerLeft: () => undefined,
  });

  static async start(): Promise<RouterTarget> {
    const target = new RouterTarget();
    for (const slot of [0, 1]) {
      const links = new LinkServer({
        server: createServer(), interceptors: [], maxMetadataSize: MOST_METADATA, clock: systemClock, onFault: (reason) => target.#faults.push(reason), onLimit: () => undefined,
      });
      const path = target.#folder.join(`${slot}.sock`);
      await links.listen(path);
      target.#workers.push(links);
      target.#router.admitWorker({ id: slot + 1, slot, generation: 1, path });
    }
    return target;
  }

  accept(socket: MemorySocket): Connection {
    let isClosed = false;
    socket.once('close', () => (isClosed = true));
    // It has what a router asks of a socket.
    this.#router.accept(socket as unknown as Socket);
    return {
      get isClosed() {
        return isClosed;
      },
      findViolations: () => {
        const { inFlight, waiting, buffered, lost } = this.#router.statistics();
        const found = this.#faults.map((fault) => `a link broke: ${fault}`);
        if (inFlight < 0 || waiting < 0 || !(buffered >= 0 && buffered < MOST_BUFFERED)) found.push(`${inFlight} calls, ${waiting} waiting, ${buffered} bytes`);
        if (this.#router.units.taken < 0) found.push(`${this.#router.units.taken} units`);
        if (lost > 0) found.push(`${lost} calls are lost`);
        return found;
      },
    };
  }

  passTime(): void {
    // It passes by itself.
  }

  findLeftovers(): string[] {
    const { connections, inFlight, waiting, buffered } = this.#router.statistics();
    const { taken } = this.#router.units;
    const calls = this.#workers.reduce((sum, worker) => sum + worker.calls, 0);
    const isClean = connections <= 1 && inFlight === 0 && waiting === 0 && buffered === 0 && taken === 0 && calls === 0;
    return isClean ? [] : [JSON.stringify({ connections, inFlight, waiting, buffered, taken, calls })];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#router.close();
    for (const worker of this.#workers) worker.destroyAll();
    await new Promise(setImmediate);
    this.#folder[Symbol.dispose]();
  }
}
