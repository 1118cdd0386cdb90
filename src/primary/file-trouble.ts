/** Runs in the primary. What is wrong with files that are followed: told once, when it lasts, and again when it is over. */
import type { DaemonError } from '../shared/errors.js';

/** What is wrong is told when something has been wrong for this long, in milliseconds: a key comes before its certificate. */
export const PATIENCE = 5000;

interface Problem {
  readonly error: DaemonError;
  /** The same for the same problem, whenever it is found. */
  readonly gist: string;
}

export class FileTrouble {
  #problem: Problem | null = null;
  /** Since when there is something that was not told, on the clock of whoever calls. */
  #untoldSince = Infinity;
  /** The gist of what was told since all was well. */
  readonly #told = new Set<string>();

  get isThere(): boolean {
    return this.#problem !== null;
  }

  /** What is wrong now, if somebody has been told of it. */
  get told(): DaemonError | null {
    return this.#problem !== null && this.#told.has(this.#problem.gist) ? this.#problem.error : null;
  }

  note(problem: Problem, now: number): void {
    this.#problem = problem;
    this.#untoldSince = this.#told.has(problem.gist) ? Infinity : Math.min(this.#untoldSince, now);
  }

  /** All is well. */
  ease(): void {
    this.#problem = null;
    this.#untoldSince = Infinity;
  }

  /** The problem to tell of now: each once. Null when there is none, or it may pass yet. */
  takeNew(now: number): DaemonError | null {
    if (this.#problem === null || now - this.#untoldSince < PATIENCE) return null;
    this.#untoldSince = Infinity;
    this.#told.add(this.#problem.gist);
    return this.#problem.error;
  }

  /** Whether what was told is over; true once. */
  takeRelief(): boolean {
    const isOver = this.#problem === null && this.#told.size > 0;
    if (isOver) this.#told.clear();
    return isOver;
  }
}
