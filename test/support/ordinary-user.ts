// Another user than root, for what root may do and others may not.
import { spawnSync } from 'node:child_process';
import { BIN } from './paths.js';

/** The uid of `nobody`. */
export const NOBODY = 65_534;

/**
 * Why the daemon cannot be started as {@link NOBODY} here, or `false` when it can. A Node or a checkout below a folder
 * that only root enters (`/root`, or one of `mktemp -d`) is out of that user's reach.
 */
export function notAsNobody(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to become another user';
  const { error, status } = spawnSync(process.execPath, [BIN, '--version'], { uid: NOBODY, gid: NOBODY, cwd: '/' });
  if (error === undefined && status === 0) return false;
  return `another user than root cannot run ${process.execPath} with ${BIN}`;
}
