import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, lstatSync, mkdirSync, openSync, renameSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DaemonError, systemCode, toError } from '../shared/errors.js';

export interface NewFile {
  readonly name: string;
  readonly text: string;
  /** Permission bits; the umask may take some away. */
  readonly mode: number;
}

export interface WriteOptions {
  /** Write over files that exist; they stay as they are until all the new ones are on the disk. */
  readonly replace?: boolean;
  /** Permission bits of folders that are made; 0700 if it is not given. */
  readonly folderMode?: number;
  /** What to do when a file exists. */
  readonly hint?: string;
}

/**
 * Writes all the files into a folder, or none: nothing is begun when one of them exists, and when one cannot be
 * written (disk full) those already there go away again. Folders that are missing are made.
 * @throws DaemonError E_FILE_EXISTS when a file exists, or cannot be written
 */
export function writeNewFiles(folder: string, files: readonly NewFile[], options: WriteOptions = {}): void {
  const { replace = false, folderMode = 0o700, hint = replace ? 'Remove it, or name another folder.' : 'Name another folder, or write over it with --force.' } = options;
  const suffix = replace ? `.${randomBytes(6).toString('hex')}.new` : '';
  const targets = files.map((file) => ({ ...file, path: join(folder, file.name), written: join(folder, file.name + suffix) }));
  const undo: (() => void)[] = [];
  try {
    refuseTaken(targets.map(({ path }) => path), replace, hint);
    makeFolder(folder, folderMode, undo);
    for (const { text, mode, written } of targets) {
      makeFolder(dirname(written), folderMode, undo);
      // Exclusive: a file that somebody else made since is not touched.
      const fd = openSync(written, 'wx', mode);
      undo.push(() => {
        unlinkSync(written);
      });
      try {
        writeFileSync(fd, text);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    }
    if (replace) for (const { written, path } of targets) renameSync(written, path);
  } catch (error) {
    for (const step of undo.reverse()) quietly(step);
    if (error instanceof DaemonError) throw error;
    throw new DaemonError('E_FILE_EXISTS', `${folder} cannot be written: ${toError(error).message}.`, {
      hint: systemCode(error) === 'ENOSPC' ? 'Make room, or name another folder.' : 'Name a folder that this user may write.',
      cause: error,
    });
  }
}

function refuseTaken(paths: readonly string[], replace: boolean, hint: string): void {
  // Even --force takes no folder for a file.
  const taken = paths.filter((path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats !== undefined && (!replace || stats.isDirectory());
  });
  if (taken.length === 0) return;
  throw new DaemonError('E_FILE_EXISTS', `Nothing was written, because this exists already: ${taken.join(', ')}.`, {
    hint,
  });
}

/**
 * Makes the folder and those above it, and notes how to take each away again. (Node's own `recursive` never returns
 * where the system says ENOENT below a folder that is there, as in /proc.)
 */
function makeFolder(folder: string, mode: number, undo: (() => void)[]): void {
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFolder(dirname(folder), mode, undo);
  mkdirSync(folder, mode);
  undo.push(() => {
    rmdirSync(folder);
  });
}

function quietly(step: () => void): void {
  try {
    step();
  } catch {
    // Already gone, or not to be undone: the error that led here is the one to tell.
  }
}
