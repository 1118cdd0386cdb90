/**
 * Runs in the primary. All that it knows of the files that workers run, without ever running them: what each
 * generation was proven with, and with autoreload what has been saved since.
 */
import type { Config } from '../config/options.js';
import type { ReloadReport } from '../control/definition.js';
import type { LoadedFile } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import { Autoreload } from './autoreload/autoreload.js';
import { ErrorBoard } from './autoreload/error-board.js';
import { openWatcher } from './autoreload/file-watcher.js';
import { ContentHashes } from './code/content-hashes.js';
import { nameFiles } from './code/name-files.js';
import { ProvenCode } from './code/proven-code.js';

export interface UserCodeParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly config: Config;
  /** Absolute path, or null. */
  readonly configFile: string | null;
  /** Writes to a person's terminal; null when there is none. */
  readonly terminal: ((text: string) => void) | null;
  readonly reload: (cause: string) => void;
  /** `knownChanges` says something new. */
  readonly onChange: () => void;
}

export class UserCode {
  readonly #parts: UserCodeParts;
  readonly #proven: ProvenCode;
  readonly #autoreload: Autoreload;
  readonly #board: ErrorBoard | null;
  #config: Config;

  constructor(parts: UserCodeParts) {
    const { clock, emit, config, configFile, terminal, reload } = parts;
    const hashes = new ContentHashes();
    this.#parts = parts;
    this.#config = config;
    this.#board = terminal === null ? null : new ErrorBoard(clock, terminal);
    this.#proven = new ProvenCode({ clock, hashes, onChange: (generation, changed) => this.#changed(generation, changed) });
    this.#autoreload = new Autoreload(
      {
        clock,
        emit,
        hashes,
        configFile,
        reload,
        open: openWatcher,
        loaded: () => this.#proven.files,
      },
      config,
    );
  }

  /** The same, which also knows when to show an error again. */
  noting(emit: Emit): Emit {
    return (name, fields, level) => {
      emit(name, fields, level);
      this.#board?.noteOutput();
    };
  }

  start(): void {
    this.#autoreload.follow(this.#config);
  }

  /** A worker says what it has loaded. */
  note(generation: number, files: readonly LoadedFile[]): void {
    const rewritten = this.#proven.note(generation, files);
    void this.#autoreload.update();
    void rewritten.then((paths) => (paths.length === 0 ? undefined : this.#autoreload.update(paths)));
  }

  /** A reload begins: what is on disk when this resolves belongs to it. */
  begin(): Promise<void> {
    this.#proven.expire();
    return this.#autoreload.begin();
  }

  /** The reload is going to try these settings. */
  consider(config: Config): Promise<void> {
    return this.#autoreload.consider(config);
  }

  /** The new generation serves, with these settings. */
  answered(generation: number, config: Config): void {
    const answer = this.#autoreload.answered(generation);
    if (answer !== null) this.#board?.answered(answer.cause, answer.ms);
    this.#config = config;
    this.#autoreload.follow(config);
  }

  /** @param generations that have workers */
  ended(report: ReloadReport, generations: Iterable<number>): void {
    this.#proven.keepOnly(new Set([report.generation, ...generations]));
    if (this.#config.autoreload) this.#board?.ended(report);
    else this.#board?.clear();
  }

  /** The files that hold something else than what the generation was proven with, as far as is known. */
  knownChanges(generation: number): readonly string[] {
    return this.#proven.knownChanges(generation);
  }

  /** Brings `knownChanges` up to date. Never rejects. */
  async look(generation: number): Promise<void> {
    await this.#proven.changes(generation);
  }

  /** Whether what is on disk is what the generation was proven with. Never rejects. */
  async isProven(generation: number): Promise<boolean> {
    return (await this.#proven.changesNow(generation)).length === 0;
  }

  close(): void {
    this.#board?.clear();
    this.#autoreload.close();
  }

  #changed(generation: number, changed: readonly string[]): void {
    const { emit, onChange } = this.#parts;
    emit('code.changed', { generation, cause: nameFiles(changed), count: changed.length }, changed.length === 0 ? 'info' : 'warn');
    onChange();
  }
}
