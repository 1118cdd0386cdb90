/**
 * Runs in a router. The links of one client connection: one for each worker that has calls of it, opened when the
 * first comes. Stream ids are the client's own on all of them.
 */
import type { Link, Links, SwitchOwner } from '../front/link.js';
import { DEFAULT_WINDOW } from '../http2/constants.js';
import type { Clock } from '../shared/clock.js';
import type { CallUnits } from './call-units.js';
import { isObservingCall } from './observing-call.js';
import { Refusal } from './refusal.js';
import type { RefusedCalls } from './refused-calls.js';
import type { RoutedWorker } from './routed-worker.js';
import { readUnsentCalls } from './unsent-calls.js';
import { WaitingCall, type CallHome } from './waiting-call.js';
import type { WaitingCalls } from './waiting-calls.js';
import { WorkerLink } from './worker-link.js';
import type { WorkerRoster } from './worker-roster.js';

/** Bytes on a link that may wait before it gets no new call: no flow control holds header blocks back. */
export const MOST_UNSENT = 32 * 1024 * 1024;

/** What all connections of a router share. */
export interface SwitchContext {
  readonly roster: WorkerRoster;
  readonly units: CallUnits;
  readonly room: WaitingCalls;
  readonly refused: RefusedCalls;
  readonly clock: Clock;
  /** So many calls ended because their worker did. */
  readonly onLost: (calls: number) => void;
}

export class Switch implements Links, CallHome {
  readonly owner: SwitchOwner;
  readonly #context: SwitchContext;
  readonly #header: Buffer;
  readonly #links = new Set<WorkerLink>();
  /** The newest to each worker: the one for its calls while it takes them. */
  readonly #newest = new Map<RoutedWorker, WorkerLink>();
  /** Calls that wait. */
  readonly #calls = new Set<WaitingCall>();
  /** Where calls go while nothing speaks against it. */
  #home: RoutedWorker | null = null;
  #window = DEFAULT_WINDOW;

  /** @param header says who the client is (src/front/proxy-header.ts) */
  constructor(owner: SwitchOwner, header: Buffer, context: SwitchContext) {
    this.owner = owner;
    this.#header = header;
    this.#context = context;
  }

  get refused(): RefusedCalls {
    return this.#context.refused;
  }

  choose(id: number, buffer: Buffer, start: number, end: number): Link {
    const { units, room, refused } = this.#context;
    const isExempt = units.isLimited && isObservingCall(buffer, start, end);
    const unit = isExempt ? 'exempt' : units.take() ? 'held' : 'none';
    if (unit === 'none' && !units.mayFind) return new Refusal(this.owner, refused.overLimit());
    const link = unit === 'none' ? null : this.#chooseLink(id);
    const isFull = link !== null && link.buffered > MOST_UNSENT;
    if (link?.state === 'open' && !isFull) {
      link.expect(id, isExempt);
      return link;
    }
    if (isFull || !room.hasRoom) {
      if (unit === 'held') units.release();
      return new Refusal(this.owner, refused.queueFull());
    }
    return this.#makeCall(id, unit, 'new');
  }

  settings(initialWindow: number, applied: () => void): void {
    this.#window = initialWindow;
    let awaited = 1;
    const oneMore = (): void => {
      awaited -= 1;
      if (awaited === 0) applied();
    };
    for (const link of this.#links) {
      awaited += 1;
      link.settings(initialWindow, oneMore);
    }
    oneMore();
  }

  close(): void {
    for (const call of [...this.#calls]) call.drop();
    for (const link of [...this.#links]) link.close();
  }

  // From calls that wait.

  begin(call: WaitingCall): void {
    const { units, room } = this.#context;
    // It may have been one too many while it was filled.
    if (!this.#calls.has(call)) return;
    if (call.unit === 'none') {
      call.leave = () => units.giveUp(call);
      units.seek(call);
    } else if (!this.#place(call)) {
      room.lineUp(call, () => this.#place(call));
    }
  }

  ended(call: WaitingCall): void {
    this.#calls.delete(call);
    if (call.unit === 'held') this.#context.units.release();
  }

  /** @returns false when there is no worker */
  #place(call: WaitingCall): boolean {
    const link = this.#chooseLink(call.id);
    if (link === null) return false;
    call.leave();
    link.expect(call.id, call.unit === 'exempt');
    if (link.state === 'open') {
      this.#send(call, link);
    } else {
      link.waiting.add(call);
      call.leave = () => {
        link.waiting.delete(call);
        link.calls.moveAway(call.id);
      };
    }
    return true;
  }

  #send(call: WaitingCall, link: WorkerLink): void {
    this.#calls.delete(call);
    link.waiting.delete(call);
    call.leave = () => undefined;
    call.moveTo(link);
  }

  #makeCall(id: number, unit: WaitingCall['unit'], state: 'new' | 'waiting'): WaitingCall {
    const call = new WaitingCall(id, unit, state, this, this.#context.room);
    this.#calls.add(call);
    this.#context.room.add(call);
    return call;
  }

  /** The link to the worker that is best now; null without one. */
  #chooseLink(id: number): WorkerLink | null {
    const worker = this.#context.roster.choose(this.#home);
    if (worker === null) return null;
    if (this.#home === null || this.#home.isWithdrawn || this.#home.standing === 'out') this.#home = worker;
    const link = this.#newest.get(worker);
    if (link?.takesCalls === true) {
      if (link.highestId < id) return link;
      // Ids on a connection increase; this one waited for so long that another overtook it.
      link.retire();
    }
    return this.#openLink(worker);
  }

  #openLink(worker: RoutedWorker): WorkerLink {
    const { units, clock } = this.#context;
    const link = new WorkerLink({
      worker,
      units,
      clock,
      owner: this.owner,
      header: this.#header,
      window: () => this.#window,
      onOpen: (opened) => {
        for (const call of [...opened.waiting]) this.#send(call, opened);
      },
      onLost: (lost, reason) => this.#lost(lost, reason),
      onClosed: (closed) => {
        this.#links.delete(closed);
        if (this.#newest.get(worker) === closed) this.#newest.delete(worker);
      },
    });
    this.#links.add(link);
    this.#newest.set(worker, link);
    return link;
  }

  /** What the worker has seen nothing of goes elsewhere; the rest is over. */
  #lost(link: WorkerLink, reason: string): void {
    const { slot } = link.worker.place;
    const { frames, from } = link.takeUnsent();
    const moved = readUnsentCalls(frames, from, (id) => this.#makeCall(id, link.calls.moveAway(id) ? 'exempt' : 'held', 'waiting'));
    for (const call of moved) {
      this.owner.move(call.id, call);
      // It has no credit for these again, until the next link takes them.
      this.owner.took(-call.dataSize);
    }
    const calls = this.owner.lost(link, `The worker that had the call is gone (slot ${slot}: ${reason}).`);
    if (calls > 0) this.#context.onLost(calls);
    for (const call of [...link.waiting, ...moved]) {
      call.leave();
      call.leave = () => undefined;
      this.begin(call);
    }
  }
}
