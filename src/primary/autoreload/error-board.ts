/**
 * Runs in the primary, at a terminal with autoreload only. Keeps the error of the last reload on the screen until a
 * reload goes well: when other output has pushed it up, it is shown again.
 */
import type { ReloadReport } from '../../control/definition.js';
import type { Clock } from '../../shared/clock.js';

/** How long after other output the error is shown again, in milliseconds. */
export const REMINDER_DELAY = 3000;
/** What a reload that failed may still have to say before its error is shown, in milliseconds. */
const LAST_WORDS = 250;

export class ErrorBoard {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  #error: string | null = null;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** A reload has ended. */
  ended({ verdict, cause, generation, error, hint }: ReloadReport): void {
    this.clear();
    if (verdict === 'done' || verdict === 'pre-empted') return;
    const served = verdict === 'halted' ? 'Two generations serve.' : `Generation ${generation} serves on as before.`;
    this.#error = ['', `  ✖ Not reloaded (${cause})`, '', ...indent(error), ...indent(hint), '', `  ${served} The next save tries again.`, '', ''].join('\n');
    this.#cancel = this.#clock.after(LAST_WORDS, () => this.#show());
  }

  /** Something else was printed. */
  noteOutput(): void {
    if (this.#error === null || this.#cancel !== null) return;
    this.#cancel = this.#clock.after(REMINDER_DELAY, () => this.#show());
  }

  /** The code serves. */
  answered(cause: string, ms: number): void {
    this.clear();
    this.#write(`\n  ✔ ${cause}: the new code answers, ${ms} ms after it was saved\n\n`);
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#error = null;
  }

  #show(): void {
    this.#cancel = null;
    if (this.#error !== null) this.#write(this.#error);
  }
}

const indent = (text: string): string[] => (text === '' ? [] : text.split('\n').map((line) => `    ${line}`));
