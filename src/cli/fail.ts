import { DaemonError } from '../shared/errors.js';
import { styleFor } from './output.js';

/** The most lines of a stack or of a frame of source that are shown: an error must fit on one screen. */
const DETAIL_LINES = 12;

/** Tells on standard error what went wrong, and sets the exit code. */
export function fail(thrown: unknown): void {
  const error = DaemonError.from(thrown);
  const { red, dim } = styleFor(process.stderr);
  const detail = (error.detail ?? '').split('\n').slice(0, DETAIL_LINES).join('\n').trimEnd();
  const parts = [`${red('grpcserverd:')} ${error.message}`, dim(detail), error.hint];
  process.stderr.write(`${parts.filter((part) => part !== '').join('\n')}\n`);
  process.exitCode = error.exitCode;
}
