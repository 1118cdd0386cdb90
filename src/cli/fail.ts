import { DaemonError } from '../shared/errors.js';
import { styleFor } from './output.js';

/** The most lines of a stack or of a frame of source that are shown: an error must fit on one screen. */
const DETAIL_LINES = 12;

/** Tells on standard error what went wrong, and sets the exit code. */
export function fail(thrown: unknown): void {
  const error = DaemonError.from(thrown);
  const { red, dim } = styleFor(process.stderr);
  const lines = (error.detail ?? '').split('\n');
  // A stack begins with the message, which is said already.
  const detail = lines.filter((line, index) => index > 0 || !line.endsWith(error.message)).slice(0, DETAIL_LINES).join('\n').trimEnd();
  process.stderr.write(
    `${red('grpcserverd:')} ${error.message}\n${detail === '' ? '' : `${dim(detail)}\n`}${error.hint === '' ? '' : `${error.hint}\n`}`,
  );
  process.exitCode = error.exitCode;
}
