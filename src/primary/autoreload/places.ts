/** Runs in the primary. The folders in which files are watched, as they are on disk now. */
import { lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Places {
  /** Absolute paths. */
  readonly folders: readonly string[];
  /** Another text when one of the folders is another one now, though it has the same name. */
  readonly identity: string;
  /** The targets that are links: what they lead to may change without them. */
  readonly links: ReadonlySet<string>;
}

/** For each target its folder, or the nearest one above that is there; a target that is a folder stands for itself. */
export async function findPlaces(targets: readonly string[]): Promise<Places> {
  const identities = new Map<string, string>();
  const links = new Set<string>();
  const seen = new Map<string, Promise<void>>();
  const find = async (path: string): Promise<void> => {
    const stats = await stat(path).catch(() => undefined);
    if (stats?.isDirectory() === true) identities.set(path, `${path} ${stats.dev} ${stats.ino} ${stats.birthtimeMs}`);
    else if (dirname(path) !== path) await findOnce(dirname(path));
  };
  const findOnce = (path: string): Promise<void> => {
    const found = seen.get(path) ?? find(path);
    seen.set(path, found);
    return found;
  };
  for (const target of targets) {
    await findOnce(target);
    if ((await lstat(target).catch(() => undefined))?.isSymbolicLink() === true) links.add(target);
  }
  return { folders: [...identities.keys()], identity: [...identities.values()].sort().join('\n'), links };
}
