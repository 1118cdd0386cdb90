/** Runs in a router. What it knows of a worker. The other half is src/worker/link-server.ts. */
import type { Clock } from '../shared/clock.js';
import type { Candidate } from './worker-choice.js';
import type { WorkerLink } from './worker-link.js';
import { WorkerPings } from './worker-pings.js';

export interface WorkerPlace {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  /** Of its unix socket. */
  readonly path: string;
}

export class RoutedWorker implements Candidate {
  readonly place: WorkerPlace;
  inFlight = 0;
  /** Calls it was given since it is there. */
  calls = 0;
  standing: Candidate['standing'] = 'good';
  /** All that are not closed at both ends. */
  readonly links = new Set<WorkerLink>();
  #state: 'admitted' | 'withdrawn' = 'admitted';
  readonly #pings: WorkerPings;

  /** @param onGood it is as good as can be again */
  constructor(place: WorkerPlace, clock: Clock, onGood: () => void) {
    this.place = place;
    this.#pings = new WorkerPings({
      path: place.path,
      clock,
      onStanding: (standing) => {
        this.standing = standing;
        if (standing === 'good') onGood();
      },
    });
  }

  get isWithdrawn(): boolean {
    return this.#state === 'withdrawn';
  }

  /** One of its links broke: no calls until it has answered a ping. */
  doubt(): void {
    this.#pings.doubt();
  }

  /** Gets no new calls. The worker knows that no more will come when it sees the end of the last link, the one of the pings. */
  withdraw(): void {
    this.#state = 'withdrawn';
    for (const link of [...this.links]) link.retire();
    this.noteClosed();
  }

  /** A link has closed at both ends. */
  noteClosed(): void {
    if (this.#state === 'withdrawn' && this.links.size === 0) this.#pings.close();
  }

  /** It has exited. */
  gone(): void {
    this.#state = 'withdrawn';
    this.#pings.close();
  }
}
