/**
 * Where the daemons of this user keep their sockets: the daemon makes its folder in the first place that its
 * environment offers, and the commands look in all of them.
 */
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DaemonError } from '../shared/errors.js';

/** Longest path of a unix socket on Linux, in bytes (sun_path is 108 with its closing zero). */
const LONGEST_SOCKET_PATH = 107;

const ROOT_BASE = '/run/grpcserverd';

export interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the user; 0 is root. */
  readonly uid: number;
}

export function currentEnvironment(): Environment {
  return { env: process.env, uid: process.getuid?.() ?? userInfo().uid };
}

/** The folder in which the daemon of this environment makes its own. */
export function runtimeBase(runtimeDir: string | null, { env, uid }: Environment): string {
  return runtimeDir ?? environmentBases({ env, uid })[0] ?? privateBase(uid);
}

/** All folders in which a daemon may have been started, nearest first. */
export function runtimeBases(runtimeDir: string | null, environment: Environment): string[] {
  if (runtimeDir !== null) return [runtimeDir];
  return [...new Set([...environmentBases(environment), privateBase(environment.uid), ROOT_BASE])];
}

function environmentBases({ env, uid }: Environment): string[] {
  const bases: string[] = [];
  // systemd gives a list when a unit has several runtime directories.
  const own = env.RUNTIME_DIRECTORY?.split(':')[0];
  if (own !== undefined && own !== '') bases.push(own);
  if (env.XDG_RUNTIME_DIR !== undefined && env.XDG_RUNTIME_DIR !== '') bases.push(join(env.XDG_RUNTIME_DIR, 'grpcserverd'));
  if (uid === 0) bases.push(ROOT_BASE);
  return bases;
}

function privateBase(uid: number): string {
  return join(tmpdir(), `grpcserverd-${String(uid)}`);
}

/** The files of one daemon. */
export interface RuntimeFiles {
  readonly folder: string;
  readonly socket: string;
  readonly pid: string;
  readonly state: string;
  readonly lock: string;
}

/** @throws DaemonError E_RUNTIME_DIR when the path is too long for a unix socket. */
export function runtimeFiles(base: string, name: string): RuntimeFiles {
  const folder = join(base, name);
  const socket = join(folder, 'control.sock');
  const bytes = Buffer.byteLength(socket);
  if (bytes > LONGEST_SOCKET_PATH) {
    throw new DaemonError('E_RUNTIME_DIR', `The path of the control socket is too long: ${bytes} bytes, ${LONGEST_SOCKET_PATH} are possible: ${socket}`, {
      hint: 'Set runtimeDir to a folder with a shorter path, or use a shorter name.',
    });
  }
  return { folder, socket, pid: join(folder, 'pid'), state: join(folder, 'state.json'), lock: join(folder, 'lock') };
}

/** What state.json says of a running daemon. */
export interface RuntimeState {
  readonly pid: number;
  readonly name: string;
  readonly version: string;
  /** Real path of the config file, or null. */
  readonly configFile: string | null;
}
