/** Runs in a worker. Its inspector and its heap, on the order of src/primary/inspections.ts. */
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { close, open, url } from 'node:inspector';
import { writeHeapSnapshot } from 'node:v8';
import type { InspectAction } from '../ipc/messages.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';

/**
 * Opens or closes the inspector, or writes the heap; blocks until that is done.
 * @returns the ws:// address, the path of the snapshot, or nothing once closed
 * @throws DaemonError E_FILE_EXISTS when the file is there already or cannot be written
 */
export function inspectSelf(action: InspectAction): string {
  if (action === 'open') return openInspector();
  if (action !== 'close') return writeHeap(action.heapSnapshot);
  close();
  return '';
}

function openInspector(): string {
  // Loopback only, on a free port: who can connect can run any code.
  if (url() === undefined) open(0, '127.0.0.1');
  return url() ?? '';
}

function writeHeap(file: string): string {
  try {
    // Made first: exclusively, and for this user alone, because a heap is full of secrets. V8 writes into what is there.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    const isThere = systemCode(error) === 'EEXIST';
    throw new DaemonError('E_FILE_EXISTS', isThere ? `${file} exists already; it was not touched` : `The worker cannot write ${file}: ${toError(error).message}`, {
      hint: 'Name another file, in a folder that the user of the daemon may write.',
      cause: error,
    });
  }
  try {
    return writeHeapSnapshot(file);
  } catch (error) {
    unlinkSync(file);
    throw new DaemonError('E_FILE_EXISTS', `The worker could not write ${file}: ${toError(error).message}`, { cause: error });
  }
}
