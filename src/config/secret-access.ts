/** Who may read a file with a secret, and what is said about it. */
import { DaemonError, type ErrorCode } from '../shared/errors.js';
import { realpathSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { isCredential } from './credential-path.js';
import { formatMode } from './pem-source.js';

/** `group`: users other than the owner, but not all. */
export type Readers = 'owner' | 'group' | 'everybody';

export interface SecretAccess {
  readonly readers: Readers;
  /** For people: the file, links followed, and its mode. */
  readonly what: string;
}

const READ = { group: 0o040, others: 0o004 } as const;
const ENTER = { group: 0o010, others: 0o001 } as const;

const HINT =
  'chmod 600 keeps it private, and so does a folder that others cannot enter (chmod 700). Mounted secrets take their mode where they are mounted ' +
  '(Kubernetes: defaultMode: 0400, or 0440 with fsGroup). Where this is as it should be, allowWorldReadableKeys: true accepts it.';

/**
 * @param where the option and its file, for messages
 * @param code of the error
 * @returns a warning when others than the owner may read it, or none
 * @throws DaemonError when everybody may, unless that is allowed
 */
export function checkSecretAccess(where: string, path: string, code: ErrorCode, isAllowed: boolean): string[] {
  const access = secretAccess(path);
  if (access === null || access.readers === 'owner' || (access.readers === 'everybody' && isAllowed)) return [];
  if (access.readers === 'everybody') throw new DaemonError(code, `${where} can be read by every user of this machine (${access.what}).`, { hint: HINT });
  return [`${where} can be read by other users (${access.what}); chmod 600 keeps it private.`];
}

/**
 * A file is as open as its own mode and all folders on the way to it allow: one with 0644 is private below a folder that
 * only its owner enters. Links are followed: whoever may not pass a link can still take the way around it.
 * @returns null for a credential of systemd, which is private whatever its mode looks like, and for what is not there
 */
export function secretAccess(path: string): SecretAccess | null {
  if (isCredential(path, process.env)) return null;
  try {
    const real = realpathSync(path);
    const file = statSync(real);
    const folders = foldersOf(real).map((folder) => statSync(folder).mode);
    const canAll = (bits: number): boolean => folders.every((mode) => (mode & bits) !== 0);
    const what = `mode ${formatMode(file.mode)}${real === path ? '' : `, ${real}`}`;
    if ((file.mode & READ.others) !== 0 && canAll(ENTER.others)) return { readers: 'everybody', what };
    const isOpen = (file.mode & (READ.group | READ.others)) !== 0 && canAll(ENTER.group | ENTER.others);
    return { readers: isOpen && !isMeantForUs(file) ? 'group' : 'owner', what };
  } catch {
    // Whoever reads it says what is wrong with it.
    return null;
  }
}

/** Somebody else's, open to a group that we are in: how one key serves several daemons, and ours could not read it else. */
function isMeantForUs({ uid, gid }: Stats): boolean {
  const user = process.geteuid?.();
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return user !== 0 && user !== uid && groups.includes(gid);
}

function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersOf(folder)];
}
