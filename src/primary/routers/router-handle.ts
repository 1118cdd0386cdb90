/** Runs in the primary. One router as the primary sees it: its state, its times, its channel. The process is src/router/main.ts. */
import type { Socket } from 'node:net';
import type { FromRouter, RouterLoad, ToRouter } from '../../ipc/router-messages.js';
import { Child, type ChildEvents } from '../child.js';
import type { ForkedProcess } from '../fork.js';
import { LimitBook } from '../limit-book.js';
import { LoadMeter } from '../load-meter.js';
import type { UnitBorrower } from '../unit-owner.js';

export type RouterState = 'starting' | 'ready' | 'draining' | 'gone';

export class RouterHandle implements UnitBorrower {
  readonly id: number;
  readonly index: number;
  /** Milliseconds on the steady clock. */
  readonly forkedAt: number;
  readonly meter = new LoadMeter<RouterLoad>();
  state: RouterState = 'starting';
  readyAt: number | null = null;
  lastSign: number;
  /** What its clients came to. */
  readonly limits = new LimitBook();
  #child: Child<ToRouter, FromRouter> | null = null;

  constructor(id: number, index: number, now: number) {
    this.id = id;
    this.index = index;
    this.forkedAt = now;
    this.lastSign = now;
  }

  /** @throws Error when the process could not be made */
  attach(process: ForkedProcess, events: ChildEvents<FromRouter>): void {
    this.#child = new Child(process, events);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Said in every log line about it. */
  get label(): { index: number; router: number | null } {
    return { index: this.index, router: this.pid };
  }

  get load(): RouterLoad | null {
    return this.meter.load;
  }

  send(message: ToRouter): void {
    this.#child?.send(message);
  }

  /** As that of the channel. */
  sendSocket(message: ToRouter, socket: Socket, onFailure: () => void): void {
    this.#child?.sendSocket(message, socket, onFailure);
  }

  lend(count: number | null, isAlone: boolean): void {
    this.send({ type: 'lend-units', count, isAlone });
  }

  reclaim(count: number, when: 'now' | 'later'): void {
    this.send({ type: 'reclaim-units', count, when });
  }

  kill(): void {
    this.#child?.kill();
  }
}
