/** How paths name the credentials of a service: LoadCredential= of systemd puts them into a folder with an unforeseeable path. */
import { basename } from 'node:path';

const VARIABLE = 'CREDENTIALS_DIRECTORY';
const PREFIX = `\${${VARIABLE}}/`;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A path that begins with `${CREDENTIALS_DIRECTORY}/`, with the folder in its place; others as they are. Null when
 * there is no such folder.
 */
export function expandCredential(path: string, env: Environment): string | null {
  if (!path.startsWith(PREFIX)) return path;
  const folder = env[VARIABLE];
  return folder === undefined || folder === '' ? null : `${folder}/${path.slice(PREFIX.length)}`;
}

/** Whether a path lies in the folder of the credentials. */
export function isCredential(path: string, env: Environment): boolean {
  const folder = env[VARIABLE];
  return folder !== undefined && folder !== '' && path.startsWith(`${folder}/`);
}

/** What to do about one that is not there. */
export function missingCredential(path: string): string {
  return `Add LoadCredential=${basename(path)}:/path/of/the/file to the unit (systemctl edit) and restart it: systemd copies credentials only then.`;
}
