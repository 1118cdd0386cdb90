/**
 * Runs in workers and in the inspector: which files of the user's this process has loaded, or tried to. A worker
 * reports them to the primary (src/primary/code/), which can then tell when what is on disk has changed.
 */
import { realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { followImports, type Drain } from './follow-imports.js';
import { followReads } from './follow-reads.js';

export interface LoadedReport {
  /** Absolute paths that were in no report before. */
  readonly files: readonly string[];
  /** Those of them that were written again after they were loaded. */
  readonly rewritten: readonly string[];
}

const OWN_CODE = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/;

export class LoadedFiles {
  /** Path -> when it had last been written as it was noted, in ms since the epoch; null when it was not there. */
  readonly #noted = new Map<string, number | null>();
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
    const note = (path: string, writtenAt?: number | null): void => this.note(path, writtenAt);
    this.#drain = followImports(note, isThorough);
    if (isThorough) followReads(note);
  }

  /** Notes a file that is about to be read. @param writtenAt when it is known better than now */
  note(path: string, writtenAt?: number | null): void {
    if (isAbsolute(path) && !this.#noted.has(path)) this.#noted.set(path, writtenAt === undefined ? writeTime(path) : writtenAt);
  }

  /** What was loaded and has not been reported yet. */
  take(): LoadedReport {
    this.#drain((path, writtenAt) => this.note(path, writtenAt));
    // All of CommonJS, and all that jiti translates, is in Node's own cache; no module need be followed for that.
    for (const path of Object.keys(createRequire(import.meta.url).cache)) this.note(path);
    const files = [...this.#noted.keys()].filter((path) => !this.#reported.has(path) && this.#isTheUsers(path));
    for (const path of this.#noted.keys()) this.#reported.add(path);
    return { files, rewritten: files.filter((path) => this.#noted.get(path) !== writeTime(path)) };
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

const writeTime = (path: string): number | null => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;

/** Of this process. */
export const loadedFiles = new LoadedFiles();
