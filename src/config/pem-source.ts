import { lstatSync, readFileSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { DaemonError, systemCode } from '../shared/errors.js';
import { isCredential, missingCredential } from './credential-path.js';
import type { CertificateSource } from './option-values.js';

export interface PemBlock {
  /** What stands after BEGIN: `CERTIFICATE`, `PRIVATE KEY`... */
  readonly label: string;
  /** The whole block, its two lines of dashes included. */
  readonly text: string;
}

export interface PemSource {
  /** For messages: the option and, when it names one, its file. Never what the file holds. */
  readonly where: string;
  readonly blocks: readonly PemBlock[];
  /**
   * Permission bits of the file; null for text that stands in the config itself, and for a credential of systemd: it is
   * private, though an access list may make its bits look otherwise.
   */
  readonly mode: number | null;
  /** Whether this user owns the file. To somebody else's, its group may be what lets us in. */
  readonly isOwn: boolean;
}

/**
 * Reads what a certificate option points to and splits it into its PEM blocks (RFC 7468; text between the blocks
 * is allowed there, and ignored).
 * @param key the option, for messages
 * @throws DaemonError E_CERTIFICATE when the file cannot be read, or holds no whole PEM block
 */
export function readPemSource(key: string, source: CertificateSource): PemSource {
  const { where, text, mode, isOwn } =
    'path' in source ? readFile(key, source.path) : { where: `${key} (PEM text in the config)`, text: source.pem, mode: null, isOwn: true };
  if (text.trim() === '') throw new DaemonError('E_CERTIFICATE', `${where} is empty.`);
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\s[^]*?-----END \1-----/g)].map(
    ([block, label = '']): PemBlock => ({ label, text: `${block.replaceAll('\r\n', '\n')}\n` }),
  );
  const begun = text.match(/-----BEGIN /g)?.length ?? 0;
  if (begun === 0) {
    throw new DaemonError('E_CERTIFICATE', `${where} is not PEM: it has no line "-----BEGIN ...-----".`, {
      hint: 'Certificates and keys are read as PEM text. A DER file is converted with: openssl x509 -inform der -in FILE (keys: openssl pkey -inform der -in FILE)',
    });
  }
  if (blocks.length !== begun) {
    throw new DaemonError('E_CERTIFICATE', `${where} is damaged or cut short: of ${begun} PEM blocks ${blocks.length} are whole.`, {
      hint: 'Copy the file again; when a program renews it, let that program write a new file and rename it.',
    });
  }
  return { where, blocks, mode, isOwn };
}

function readFile(key: string, path: string): { where: string; text: string; mode: number | null; isOwn: boolean } {
  const where = `${key}: ${path}`;
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw new DaemonError('E_CERTIFICATE', `${where} is a folder, not a file.`);
    // Every worker reads it, so it cannot be a pipe; and opening one would wait for its writer.
    if (!stats.isFile()) throw new DaemonError('E_CERTIFICATE', `${where} is not a regular file.`);
    return { where, text: readFileSync(path, 'utf8'), mode: isCredential(path, process.env) ? null : stats.mode & 0o777, isOwn: stats.uid === process.geteuid?.() };
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    throw unreadable(where, path, systemCode(error) ?? 'unknown error');
  }
}

function unreadable(where: string, path: string, code: string): DaemonError {
  if (code === 'ENOENT') {
    return new DaemonError('E_CERTIFICATE', `${where} does not exist.`, isCredential(path, process.env) ? { hint: missingCredential(path) } : {});
  }
  if (code !== 'EACCES' && code !== 'EPERM') return new DaemonError('E_CERTIFICATE', `${where} cannot be read (${code}).`);
  const folder = closedFolder(path);
  const [what, stats] = folder === null ? ['The file', statSync(path)] : [`Its folder ${folder}`, statSync(folder)];
  return new DaemonError(
    'E_CERTIFICATE',
    `${where} cannot be read by this user, ${describeUser()}. ${what} has ${describeAccess(stats)}.`,
    { hint: 'Give this user the right to read it (a key: chown to this user, chmod 600), or run the daemon as another user.' },
  );
}

/**
 * The outermost folder on the way to a file, links followed, that this user may not enter; null when the way is free.
 * Tried by stat, for `access` asks about the real user where the effective one counts.
 */
function closedFolder(path: string): string | null {
  if (succeeds(() => statSync(path))) return null;
  if (succeeds(() => lstatSync(path))) return closedFolder(resolve(dirname(path), readlinkSync(path)));
  const parent = dirname(path);
  return parent === path ? null : (closedFolder(parent) ?? parent);
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

const describeAccess = ({ mode, uid, gid }: Stats): string => `mode ${formatMode(mode)}, owner uid ${uid}, gid ${gid}`;

function describeUser(): string {
  const ids = `uid ${process.geteuid?.()}, gid ${process.getegid?.()}`;
  try {
    return `${userInfo().username} (${ids})`;
  } catch {
    // A container may run as a uid that has no line in the user database.
    return ids;
  }
}

/** As chmod takes it: `0640`. */
export function formatMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
