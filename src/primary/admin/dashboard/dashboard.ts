/**
 * Runs in the primary. The dashboard of the admin port: its files, what it shows and what it may order. The page itself,
 * which runs in a browser, is src/dashboard/.
 */
import type { Feed } from '../../../control/dashboard-feed.js';
import type { Status } from '../../../control/definition.js';
import type { CallFigures } from '../../../ipc/call-figures.js';
import type { Clock } from '../../../shared/clock.js';
import type { Answer, Question, Route } from '../admin-http.js';
import type { CallBook } from '../call-book.js';
import { Authorization } from './authorization.js';
import type { Marks } from './marks.js';
import { PAGE_HEADERS, pageFile } from './page-files.js';
import { Recorder } from './recorder.js';
import type { SampledFleet } from './sample.js';

/** What the control API does, too. */
export interface DashboardSources {
  readonly status: () => Status;
  /** Brings up to date what `status` only remembers. Never rejects. */
  readonly look: () => Promise<void>;
  readonly reload: (cause: string) => void;
  /** How many workers there shall be. */
  readonly workers: () => number;
  /** 0 goes back to the config; returns how many there shall be now. */
  readonly scale: (workers: number) => number;
  /** What samples say of the fleet. */
  readonly fleet: () => SampledFleet;
  /** The workers that tell what their calls come to. */
  readonly serving: () => readonly number[];
}

export interface DashboardParts {
  readonly clock: Clock;
  readonly marks: Marks;
  readonly book: CallBook;
  /** Asked for when something is wanted of them. */
  readonly sources: () => DashboardSources;
}

export class Dashboard {
  readonly #parts: DashboardParts;
  readonly #instance: string;
  #authorization = new Authorization(null);
  /** Null while the admin port is closed: nobody could see what it records. */
  #recorder: Recorder | null = null;

  constructor(parts: DashboardParts) {
    this.#parts = parts;
    this.#instance = `${process.pid}-${parts.clock.now()}`;
  }

  get routes(): Readonly<Record<string, Route>> {
    return {
      'GET /': () => pageFile('index.html'),
      'GET /dashboard/feed': (question) => this.#feed(question),
      'GET /dashboard/*': ({ path }) => pageFile(path.slice('/dashboard/'.length)),
      'POST /dashboard/reload': (question) => this.#order(question, () => this.#reload()),
      'POST /dashboard/scale': (question) => this.#order(question, () => this.#scale(question)),
    };
  }

  /** The admin port is open from now on, or closed. @param token of those who may give orders */
  open(isOpen: boolean, token: string | null): void {
    const { clock, book, sources } = this.#parts;
    this.#authorization = new Authorization(token);
    this.#recorder = isOpen
      ? (this.#recorder ?? new Recorder({ clock, book: () => book.snapshot(), fleet: () => sources().fleet(), serving: () => sources().serving() }))
      : null;
  }

  /** @param isBeat the worker tells by itself, as it does with each heartbeat */
  told(worker: number, figures: CallFigures, isBeat: boolean): void {
    this.#recorder?.told(worker, figures, isBeat);
  }

  async #feed({ query }: Question): Promise<Answer | null> {
    const recorder = this.#recorder;
    if (recorder === null) return null;
    const { clock, marks, sources } = this.#parts;
    const { status, look } = sources();
    await look();
    // What a page has of another life of this daemon is numbered otherwise.
    const seen = (name: string): number => (query.get('instance') === this.#instance ? Number(query.get(name)) : 0);
    const feed: Feed = {
      instance: this.#instance,
      now: clock.now(),
      takesOrders: this.#authorization.isPossible,
      status: status(),
      samples: recorder.samplesAfter(seen('samples')),
      marks: marks.after(seen('marks')),
      methods: recorder.methods,
    };
    return { status: 200, contentType: 'application/json', headers: PAGE_HEADERS, text: JSON.stringify(feed) };
  }

  #order({ headers }: Question, carryOut: () => Answer): Answer {
    return this.#authorization.refuse(headers.authorization) ?? carryOut();
  }

  /** Its verdict takes longer than an answer may; it comes with the feed. */
  #reload(): Answer {
    this.#parts.sources().reload('dashboard');
    return { status: 202, text: 'The reload has begun.\n' };
  }

  #scale({ query }: Question): Answer {
    const wanted = query.get('workers') ?? '';
    if (!/^\d{1,4}$/.test(wanted)) return { status: 400, text: 'workers must be a number; 0 goes back to the config.\n' };
    const { workers, scale } = this.#parts.sources();
    const before = workers();
    return { status: 200, contentType: 'application/json', text: JSON.stringify({ before, after: scale(Number(wanted)) }) };
  }
}
