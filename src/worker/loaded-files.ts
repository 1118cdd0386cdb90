/**
 * Runs in workers and in the inspector: which files of the user's this process has loaded, or tried to. A worker
 * reports them to the primary (src/primary/code/), which can then tell when what is on disk has changed.
 */
import { realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LoadedFile } from '../ipc/messages.js';
import { hashWhenStamped, readStamp } from '../shared/file-hash.js';
import { followImports, type Drain } from './follow-imports.js';
import { followReads } from './follow-reads.js';

const OWN_CODE = fileURLToPath(new URL('..', import.meta.url));
/** Stands for the stamp of a file that may have been written again after it was loaded; none is like it. */
const UNSEEN = 'unseen';
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;

export class LoadedFiles {
  /** Path -> its stamp before it was read; null when it was not there. */
  readonly #noted = new Map<string, string | null>();
  readonly #reported = new Set<string>();
  /** Folder of a package -> whether it is a link to a place outside of node_modules. */
  readonly #packages = new Map<string, boolean>();
  #drain: Drain = () => undefined;

  /**
   * Follows what is loaded from here on.
   * @param isThorough also where it costs start-up time: ES modules on a Node without synchronous hooks, .proto files
   *   that are read without context.loadProto, and what a module wanted that could not be loaded
   */
  follow(isThorough: boolean): void {
    const note = (path: string, stamp?: string | null): void => this.note(path, stamp);
    this.#drain = followImports(note, isThorough);
    if (isThorough) followReads(note);
  }

  /** Notes a file that is about to be read. @param stamp when it is known better than now */
  note(path: string, stamp?: string | null): void {
    if (isAbsolute(path) && !this.#noted.has(path)) this.#noted.set(path, stamp === undefined ? readStamp(path) : stamp);
  }

  /** What was loaded and has not been reported yet. */
  take(): LoadedFile[] {
    this.#drain((path, stamp) => this.note(path, stamp));
    // All that jiti translates is in Node's own cache, too; when it was read can no longer be told.
    for (const path of Object.keys(createRequire(import.meta.url).cache)) {
      if (!this.#noted.has(path)) this.note(path, isYoung(path) ? UNSEEN : undefined);
    }
    const files = [...this.#noted].filter(([path]) => !this.#reported.has(path) && this.#isTheUsers(path));
    for (const path of this.#noted.keys()) this.#reported.add(path);
    return files.map(([path, stamp]) => ({ path, hash: hashWhenStamped(path, stamp) }));
  }

  #isTheUsers(path: string): boolean {
    if (path.startsWith(OWN_CODE)) return false;
    const folder = PACKAGE.exec(path)?.[0];
    if (folder === undefined) return true;
    let isLinked = this.#packages.get(folder);
    if (isLinked === undefined) {
      isLinked = !realPath(folder).includes('/node_modules/');
      this.#packages.set(folder, isLinked);
    }
    return isLinked;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Whether it was changed in the life of this process. */
const isYoung = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Infinity) >= performance.timeOrigin;

/** Of this process. */
export const loadedFiles = new LoadedFiles();
