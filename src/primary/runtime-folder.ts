/** Runs in the primary. Claims the runtime folder of a daemon's name, so that there is one daemon a name. */
import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isListening } from '../control/probe-socket.js';
import type { RuntimeFiles, RuntimeState } from '../control/runtime-dir.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';

/** What a daemon has in the folder of its name. */
export interface RuntimeFolder {
  /** Where its control socket listens: a name of its own, which `announce` makes the one that is looked for. */
  readonly ownSocket: string;
  /** Of a daemon that replaces another: takes the lock, or goes without when the other one lives and consents. */
  take(consent: Consent): Promise<void>;
  /** From here on this is the daemon of the name. Without a moment in which there is none, if there was one. */
  announce(state: RuntimeState): void;
  /** Removes what is left of daemons that are dead. */
  sweep(): void;
  /** Another daemon has announced itself: all but what is this one's alone belongs to it. */
  leave(): void;
  /** Removes what the daemon put there and nothing else. */
  release(): void;
}

/** Of the daemon that is to be replaced. */
export type Consent = 'granted' | 'gone';

/**
 * What a daemon makes there has its pid in its name, for during an upgrade there are two: control sockets, what is about
 * to get its real name, and the sockets of links (src/primary/routers/open-routers.ts).
 */
const OWN_FILE = /^([0-9a-z]{1,5})\.(?:sock|part|\d+)$/;
const ownFile = (folder: string, ending: string): string => join(folder, `${process.pid.toString(36)}.${ending}`);

/** The unix socket on which a worker of this daemon takes links; short, as the path of the control socket was checked. */
export const linkPath = (folder: string, worker: number): string => ownFile(folder, String(worker));

/**
 * @param replaced the daemon in that very folder which this one is to replace, with its consent; null: there must be none
 * @throws DaemonError E_ALREADY_RUNNING with the pid of the other one, or E_RUNTIME_DIR.
 */
export async function claimRuntimeFolder(files: RuntimeFiles, name: string, replaced: number | null = null): Promise<RuntimeFolder> {
  makeFolder(files.folder);
  let holds: 'nothing' | 'all' = 'nothing';
  const claim = async (): Promise<void> => {
    await refuseIfRunning(files, name);
    takeLock(files, name);
    try {
      // Somebody may have listened between our first look and our lock.
      await refuseIfRunning(files, name);
      rmSync(files.socket, { force: true });
      // In a container the one before had the same pid.
      sweepFolder(files.folder, replaced === null ? 'none' : 'own');
    } catch (error) {
      rmSync(files.lock, { force: true });
      throw error;
    }
    holds = 'all';
  };
  if (replaced === null) await claim();
  const part = ownFile(files.folder, 'part');
  const put = (file: string, content: string): void => {
    writeFileSync(part, content);
    renameSync(part, file);
  };
  return {
    ownSocket: ownFile(files.folder, 'sock'),
    take: async (consent) => {
      if (consent === 'gone') await claim();
    },
    announce(state) {
      holds = 'all';
      put(files.lock, `${state.pid}\n`);
      rmSync(part, { force: true });
      linkSync(ownFile(files.folder, 'sock'), part);
      renameSync(part, files.socket);
      // Still there when both were the same file.
      rmSync(part, { force: true });
      put(files.pid, `${state.pid}\n`);
      put(files.state, `${JSON.stringify(state)}\n`);
    },
    sweep: () => sweepFolder(files.folder),
    leave() {
      holds = 'nothing';
    },
    release() {
      if (holds === 'all') for (const file of [files.state, files.pid, files.socket, files.lock]) rmSync(file, { force: true });
      for (const file of [part, ownFile(files.folder, 'sock')]) rmSync(file, { force: true });
      // The folder is ours, and empty unless somebody put something in.
      try {
        rmdirSync(files.folder);
      } catch {
        // Not empty, or not ours to remove.
      }
    },
  };
}

/** Removes what daemons left there that were killed. @param keep what has this process's pid in its name, or nothing */
function sweepFolder(folder: string, keep: 'own' | 'none' = 'own'): void {
  for (const file of readdirSync(folder)) {
    const [, owner] = OWN_FILE.exec(file) ?? [];
    if (owner === undefined) continue;
    const pid = parseInt(owner, 36);
    if (pid === process.pid ? keep === 'none' : !isAlive(pid)) rmSync(join(folder, file), { force: true });
  }
}

function makeFolder(folder: string): void {
  try {
    for (const each of [dirname(folder), folder]) {
      // Not with `recursive`, which never returns on file systems that refuse folders as /proc does.
      if (!existsSync(each)) mkdirSync(each, { mode: 0o700 });
      // Whoever owns a folder can swap what is in it.
      const { uid } = statSync(each);
      if (uid === 0 || uid === process.getuid?.()) continue;
      throw new DaemonError('E_RUNTIME_DIR', `The runtime folder ${each} belongs to another user (uid ${uid})`);
    }
    chmodSync(folder, 0o700);
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    throw new DaemonError('E_RUNTIME_DIR', `Cannot make the runtime folder ${folder}: ${toError(error).message}`, { cause: error });
  }
}

async function refuseIfRunning(files: RuntimeFiles, name: string): Promise<void> {
  if (await isListening(files.socket)) throw alreadyRunning(name, readPid(files.pid));
}

function alreadyRunning(name: string, pid: number | null): DaemonError {
  return new DaemonError('E_ALREADY_RUNNING', `A daemon named "${name}" runs already${pid === null ? '' : `, pid ${String(pid)}`}`);
}

/**
 * The lock holds the pid of its owner. It is made by a link, which is atomic and has its content from the start; a
 * lock whose owner is dead is moved aside first, which only one of several starters can do.
 */
function takeLock(files: RuntimeFiles, name: string): void {
  const own = `${files.lock}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`);
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        linkSync(own, files.lock);
        return;
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
      }
      const owner = readPid(files.lock);
      if (owner !== null && owner !== process.pid && isAlive(owner)) throw alreadyRunning(name, owner);
      moveAside(files.lock, `${own}.stale`, owner);
    }
    throw new DaemonError('E_RUNTIME_DIR', `Cannot take the lock ${files.lock}: others keep taking it`);
  } catch (error) {
    if (error instanceof DaemonError) throw error;
    throw new DaemonError('E_RUNTIME_DIR', `Cannot take the lock ${files.lock}: ${toError(error).message}`, { cause: error });
  } finally {
    rmSync(own, { force: true });
  }
}

/** Removes a lock that still names `owner`; one that another starter took meanwhile is put back. */
function moveAside(lock: string, aside: string, owner: number | null): void {
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  try {
    if (readPid(aside) !== owner) linkSync(aside, lock);
  } finally {
    unlinkSync(aside);
  }
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Whether a grpcserverd with this pid lives; pids are used again, so its command line is looked at too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('grpcserverd');
  } catch {
    return true; // no /proc here: believe the pid
  }
}
