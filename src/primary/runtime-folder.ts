/** Runs in the primary. Claims the runtime folder of a daemon's name, so that there is one daemon a name. */
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isListening } from '../control/probe-socket.js';
import type { RuntimeFiles, RuntimeState } from '../control/runtime-dir.js';
import { DaemonError, systemCode, toError } from '../shared/errors.js';

/** A claimed folder; `release` removes what the daemon put there and nothing else. */
export interface RuntimeFolder {
  /** Writes pid and state.json, once the control socket listens. */
  announce(state: RuntimeState): void;
  release(): void;
}

/**
 * @throws DaemonError E_ALREADY_RUNNING with the pid of the other one, or E_RUNTIME_DIR.
 */
export async function claimRuntimeFolder(files: RuntimeFiles, name: string): Promise<RuntimeFolder> {
  makeFolder(files.folder);
  await refuseIfRunning(files, name);
  takeLock(files, name);
  try {
    // Somebody may have listened between our first look and our lock.
    await refuseIfRunning(files, name);
    rmSync(files.socket, { force: true });
  } catch (error) {
    rmSync(files.lock, { force: true });
    throw error;
  }
  return {
    announce(state) {
      writeFileSync(files.pid, `${state.pid}\n`);
      writeFileSync(files.state, `${JSON.stringify(state)}\n`);
    },
    release() {
      for (const file of [files.state, files.pid, files.socket, files.lock]) rmSync(file, { force: true });
      // The folder is ours, and empty unless somebody put something in.
      try {
        rmdirSync(files.folder);
      } catch {
        // Not empty, or not ours to remove.
      }
    },
  };
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
