/** Runs in a router. What it knows of a worker. The other half is src/worker/link-server.ts. */
import type { Clock } from '../shared/clock.js';
import type { Candidate } from './worker-choice.js';
import type { WorkerLink } from './worker-link.js';
import { WorkerPings } from './worker-pings.js';
import type { Ranked, WorkerRanking } from './worker-ranking.js';

export interface WorkerPlace {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  /** Of its unix socket. */
  readonly path: string;
}

export interface RoutedWorkerOptions {
  readonly clock: Clock;
  readonly ranking: WorkerRanking<RoutedWorker>;
  /** It is as good as can be again. */
  readonly onGood: () => void;
  /** It was withdrawn, and has no link any more. */
  readonly onLeft: () => void;
}

export class RoutedWorker implements Ranked {
  readonly place: WorkerPlace;
  rank: number | null = null;
  lastEnd = 0;
  /** All that are not closed at both ends. */
  readonly links = new Set<WorkerLink>();
  readonly #options: RoutedWorkerOptions;
  #state: 'admitted' | 'withdrawn' | 'gone' = 'admitted';
  #pings: WorkerPings;
  #inFlight = 0;
  #calls = 0;
  #standing: Candidate['standing'] = 'good';

  constructor(place: WorkerPlace, options: RoutedWorkerOptions) {
    this.place = place;
    this.#options = options;
    this.#pings = this.#ask();
  }

  get isWithdrawn(): boolean {
    return this.#state !== 'admitted';
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls it was given since it is there. */
  get calls(): number {
    return this.#calls;
  }

  get standing(): Candidate['standing'] {
    return this.#standing;
  }

  /** It is given a call. */
  begin(): void {
    this.#inFlight += 1;
    this.#calls += 1;
    this.#options.ranking.note(this);
  }

  /** So many of its calls are over. */
  end(count: number): void {
    this.#inFlight -= count;
    this.#options.ranking.noteEnd(this);
  }

  /** It has seen nothing of a call, which goes on elsewhere. */
  takeBack(): void {
    this.#calls -= 1;
    this.end(1);
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

  /** Gets calls again, on links of their own. */
  readmit(): void {
    this.#state = 'admitted';
    this.#stand('good');
    this.#pings.close();
    this.#pings = this.#ask();
  }

  /** A link has closed at both ends. */
  noteClosed(): void {
    if (this.#state !== 'withdrawn' || this.links.size > 0) return;
    this.#pings.close();
    this.#options.onLeft();
  }

  /** It has exited. */
  gone(): void {
    this.#state = 'gone';
    this.#pings.close();
  }

  #stand(standing: Candidate['standing']): void {
    this.#standing = standing;
    this.#options.ranking.note(this);
  }

  #ask(): WorkerPings {
    const { clock, onGood } = this.#options;
    return new WorkerPings({
      path: this.place.path,
      clock,
      onStanding: (standing) => {
        this.#stand(standing);
        if (standing === 'good') onGood();
      },
    });
  }
}
