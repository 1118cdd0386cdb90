/** Runs in the primary. What happened, for the time line of the dashboard: from the events that are logged of it. */
import type { Mark } from '../../../control/dashboard-feed.js';
import type { Clock } from '../../../shared/clock.js';
import type { Emit, EventName } from '../../../shared/events.js';
import { Recent } from './recent.js';

/** A fleet that crashes in a loop shall not fill the memory. */
const MOST_MARKS = 200;

type Fields = Readonly<Record<string, unknown>>;
type Note = Omit<Mark, 'seq' | 'at'>;
type Tell = (fields: Fields) => Note | null;

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const note = (kind: Mark['kind'], severity: Mark['severity'], title: string, detail: unknown = ''): Note => ({ kind, severity, title, detail: text(detail) });
const seconds = (ms: unknown): string => `${(Number(ms) / 1000).toFixed(1)} s`;
const worker = ({ slot, worker: pid }: Fields): string => `Worker ${text(slot)} (pid ${text(pid)})`;
const ending = ({ exitCode, signal }: Fields): string => (signal === null ? `exit code ${text(exitCode)}` : text(signal));

/** Drains that an operator asked for have a mark of their own. */
const ORDERED: readonly unknown[] = ['reload', 'stop', 'scale', 'silent', 'startTimeout'];
const FAULTS: readonly unknown[] = ['uncaughtException', 'unhandledRejection'];

const TELLS: Partial<Record<EventName, Tell>> = {
  'daemon.ready': ({ workers, bootMs }) => note('start', 'info', 'Daemon ready', `${text(workers)} workers after ${seconds(bootMs)}`),
  'daemon.leaving': ({ cause }) => note('stop', 'warning', 'Stop is to come', cause),
  'daemon.stopping': ({ cause }) => note('stop', 'warning', 'Stopping', cause),
  'reload.started': ({ generation, cause }) => note('reload', 'info', `Reload to generation ${text(generation)}`, cause),
  'reload.ended': ({ verdict, generation, ms, error, cut }) =>
    verdict === 'done'
      ? note('reload', 'info', 'Reload done', `generation ${text(generation)} after ${seconds(ms)}${Number(cut) > 0 ? `, ${text(cut)} calls cut` : ''}`)
      : note('reload', 'error', `Reload ${text(verdict)}`, error),
  'worker.gone': (fields) => (fields.cause === 'crash' ? note('crash', 'error', `${worker(fields)} crashed`, ending(fields)) : null),
  'worker.failed': (fields) => note('crash', 'error', `${worker(fields)} cannot start`, fields.error),
  'worker.silent': (fields) => note('hang', 'warning', `${worker(fields)} is silent`, `no heartbeat for ${seconds(fields.ms)}`),
  'worker.killed': (fields) => note('hang', 'error', `${worker(fields)} killed`, fields.cause),
  'worker.draining': (fields) => {
    if (ORDERED.includes(fields.cause)) return null;
    return FAULTS.includes(fields.cause) ? note('crash', 'error', `${worker(fields)} had a fault`, fields.cause) : note('recycle', 'info', `${worker(fields)} is replaced`, fields.cause);
  },
  'fleet.scaled': ({ before, after, source }) => note('scale', 'info', `${text(before)} → ${text(after)} workers`, source),
  'certificates.replaced': ({ subject, validUntil }) => note('certificate', 'info', 'New certificate', `${text(subject)}, until ${text(validUntil)}`),
  'certificates.refused': ({ error }) => note('certificate', 'error', 'New certificate refused', error),
  'router.gone': (fields) => (fields.cause === 'crash' ? note('crash', 'error', `Router ${text(fields.index)} crashed`, ending(fields)) : null),
  'router.failed': ({ index, error }) => note('crash', 'error', `Router ${text(index)} cannot start`, error),
  'router.killed': ({ index, cause }) => note('hang', 'error', `Router ${text(index)} killed`, cause),
};

export class Marks {
  readonly #clock: Clock;
  readonly #recent = new Recent<Mark>(MOST_MARKS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Passes events on, and notes those that make a mark. */
  noting(emit: Emit): Emit {
    return (name, fields, level) => {
      emit(name, fields, level);
      const told = TELLS[name]?.(fields) ?? null;
      if (told !== null) this.#recent.add({ ...told, at: this.#clock.now() });
    };
  }

  after(seq: number): readonly Mark[] {
    return this.#recent.after(seq);
  }
}
