/**
 * Runs in the primary. Asks for a reload when a watched file holds something else than it did when the last reload
 * began, whether that one went well or not. What the watcher says is only a hint: the hash of the content decides.
 */
import { dirname } from 'node:path';
import type { Config } from '../../config/options.js';
import type { Clock } from '../../shared/clock.js';
import { toError } from '../../shared/errors.js';
import type { Emit } from '../../shared/events.js';
import { ABSENT } from '../../shared/file-hash.js';
import type { ContentHashes } from '../code/content-hashes.js';
import { nameFiles } from '../code/name-files.js';
import { Batch } from './batch.js';
import { POLL_INTERVAL, type FileWatcher, type OpenWatcher, type WatchOrder } from './file-watcher.js';
import { findPlaces } from './places.js';
import { configuredFiles, WatchList } from './watch-list.js';

/** How many files an event names. */
const NAMED = 10;

export interface AutoreloadParts {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly hashes: Pick<ContentHashes, 'of'>;
  readonly open: OpenWatcher;
  /** Absolute path of the config file, or null. */
  readonly configFile: string | null;
  /** What the workers have loaded, or tried to. */
  readonly loaded: () => Iterable<string>;
  readonly reload: (cause: string) => void;
}

/** What asked for the reload that runs, and when its first file was saved. */
interface Attempt {
  readonly cause: string;
  readonly since: number;
}

export class Autoreload {
  readonly #parts: AutoreloadParts;
  readonly #batch: Batch;
  #mode: 'off' | 'on' = 'off';
  #config: Config;
  /** The settings that a reload tried last; what they name must be watched to be mended. */
  #tried: Config;
  #list: WatchList;
  #links: ReadonlySet<string> = new Set();
  #by: WatchOrder['by'] = 'system';
  /** All that the watcher was opened for. */
  #watched = '';
  /** What was last said of it. */
  #said = '';
  #watcher: FileWatcher | null = null;
  /** What each file held when the last reload began. */
  readonly #before = new Map<string, string>();
  /** What they held when a reload was asked for that has not begun yet. */
  readonly #asked = new Map<string, string>();
  #next: Attempt | null = null;
  #attempt: Attempt | null = null;
  /** Everything that waits for a file goes in this order. */
  #work: Promise<void> = Promise.resolve();

  /** @param config what the daemon starts with; nothing is watched until `follow` */
  constructor(parts: AutoreloadParts, config: Config) {
    this.#parts = parts;
    this.#config = this.#tried = config;
    this.#list = new WatchList([], config.watch);
    this.#batch = new Batch(parts.clock, (paths, since) => void this.#do(() => this.#settle(paths, since)));
  }

  /** The settings that count from now on. */
  follow(config: Config): void {
    this.#config = this.#tried = config;
    if (config.autoreload) {
      this.#mode = 'on';
      void this.update();
    } else if (this.#mode === 'on') {
      this.close();
    }
  }

  /** A reload is going to try these settings. */
  consider(config: Config): Promise<void> {
    this.#tried = config;
    return this.update();
  }

  /** A reload begins: what is on disk when this resolves belongs to it, and what is written from then on does not. */
  begin(): Promise<void> {
    this.#attempt = this.#next;
    this.#next = null;
    if (this.#mode === 'off') return Promise.resolve();
    return this.#do(async () => {
      this.#asked.clear();
      for (const path of this.#before.keys()) if (!this.#list.hasFile(path)) this.#before.delete(path);
      await this.#remember(new Set([...this.#list.files, ...this.#before.keys()]));
    });
  }

  /** The new generation serves. Returns what had asked for it, and how long ago that was saved; null if it was no file. */
  answered(generation: number): { readonly cause: string; readonly ms: number } | null {
    if (this.#attempt === null) return null;
    const { cause, since } = this.#attempt;
    const answer = { cause, ms: Math.round(this.#parts.clock.monotonic() - since) };
    this.#attempt = null;
    this.#parts.emit('autoreload.answered', { ...answer, generation });
    return answer;
  }

  /**
   * The workers have loaded more. Resolves when it is watched.
   * @param rewritten files that were written again after they were loaded
   */
  update(rewritten: readonly string[] = []): Promise<void> {
    if (this.#mode === 'off') return Promise.resolve();
    const { configFile, loaded } = this.#parts;
    const files = [...configuredFiles(this.#config, configFile), ...configuredFiles(this.#tried, configFile), ...loaded()];
    this.#list = new WatchList(files, this.#config.watch);
    this.#batch.add(rewritten.filter((path) => this.#list.hasFile(path)));
    return this.#do(async () => {
      await this.#remember([...this.#list.files].filter((path) => !this.#before.has(path)));
      for (const path of rewritten) this.#before.set(path, 'unknown');
      await this.#watch();
    });
  }

  /** Stops watching. */
  close(): void {
    this.#mode = 'off';
    this.#batch.clear();
    this.#before.clear();
    this.#asked.clear();
    this.#watched = this.#said = '';
    void this.#watcher?.close();
    this.#watcher = null;
  }

  #hint(path: string): void {
    if (this.#list.hasFile(path)) this.#batch.add([path]);
    const below = this.#list.filesBelow(path);
    // What a link leads to is exchanged in a folder that is not watched; it shows here as a change of its neighbours.
    this.#batch.add([...below, ...[...this.#links].filter((link) => dirname(link) === dirname(path))]);
  }

  /** Where a watch fails there is another way: to look. */
  #fallBack(error: Error): void {
    if (this.#by === 'polling') return;
    this.#by = 'polling';
    this.#parts.emit('autoreload.polling', { error: error.message, ms: POLL_INTERVAL });
    void this.#do(() => this.#watch());
  }

  /** What the files hold now is where changes are counted from. */
  async #remember(paths: Iterable<string>): Promise<void> {
    await Promise.all([...paths].map(async (path) => this.#before.set(path, await this.#parts.hashes.of(path))));
  }

  /** Does one thing after the other. */
  #do(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch((error: unknown) => this.#fallBack(toError(error)));
    return this.#work;
  }

  async #settle(paths: ReadonlySet<string>, since: number): Promise<void> {
    if (this.#mode === 'off') return;
    const { hashes, emit, reload } = this.#parts;
    // A folder that was exchanged is no longer the one that is watched.
    await this.#watch();
    const changed: string[] = [];
    for (const path of [...paths].filter((each) => this.#list.hasFile(each))) {
      const now = await hashes.of(path);
      if (now === (this.#asked.get(path) ?? this.#before.get(path) ?? ABSENT)) continue;
      this.#asked.set(path, now);
      changed.push(path);
    }
    if (changed.length === 0) return;
    const cause = nameFiles(changed);
    emit('autoreload.triggered', { cause, files: changed.slice(0, NAMED), count: changed.length });
    this.#next ??= { cause, since };
    reload(cause);
  }

  /** Opens another watcher if there is something else to watch. */
  async #watch(): Promise<void> {
    const { open } = this.#parts;
    const list = this.#list;
    const { folders, identity, links } = await findPlaces(list.targets);
    this.#links = links;
    const watched = [this.#by, ...list.targets, identity, JSON.stringify(this.#config.watch)].join('\n');
    if (watched === this.#watched || this.#mode === 'off') return;
    this.#watched = watched;
    const old = this.#watcher;
    // What an older watcher still has to say is dropped.
    const ifCurrent = <Parameters extends readonly unknown[]>(act: (...parameters: Parameters) => void) =>
      (...parameters: Parameters): void => {
        if (this.#watched === watched) act(...parameters);
      };
    const opened = await open(
      { folders, hasFile: (path) => list.hasFile(path), needsFolder: (path) => list.needsFolder(path), by: this.#by },
      {
        onFound: ifCurrent((path) => this.#found(path)),
        onReady: ifCurrent(() => this.#ready()),
        onHint: ifCurrent((path) => this.#hint(path)),
        onError: ifCurrent((error) => this.#fallBack(error)),
      },
    );
    // It may have been turned off, or the watcher have failed, while it was opened.
    if (this.#watched === watched) this.#watcher = opened;
    else await opened.close();
    await old?.close();
  }

  /** A file that was there when the watcher began; those of an include become known by this. */
  #found(path: string): void {
    void this.#do(() => this.#remember(this.#before.has(path) ? [] : [path]));
  }

  #ready(): void {
    void this.#do(() => {
      const said = `${this.#before.size} ${this.#by}`;
      if (said !== this.#said) this.#parts.emit('autoreload.watching', { files: this.#before.size, by: this.#by });
      this.#said = said;
      // What happened while nobody watched.
      this.#batch.add(this.#before.keys());
      return Promise.resolve();
    });
  }
}
