/** Runs in the primary. The pidfile of the `pidfile` option, for scripts and old service managers. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DaemonError, toError } from '../shared/errors.js';

/**
 * Writes our pid; the function returned removes the file again if it is still ours. One daemon a name is the
 * business of the runtime folder, so a file that is there already is simply out of date.
 */
export function writePidfile(path: string): () => void {
  const content = `${process.pid}\n`;
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new DaemonError('E_RUNTIME_DIR', `Cannot write the pidfile ${path}: ${toError(error).message}`, { cause: error });
  }
  return () => {
    try {
      if (readFileSync(path, 'utf8') === content) rmSync(path);
    } catch {
      // Somebody removed it already.
    }
  };
}
