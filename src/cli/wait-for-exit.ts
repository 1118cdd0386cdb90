import { readFileSync } from 'node:fs';

/** How often a process that is not our child is looked at, in milliseconds: nothing tells when it ends. */
const LOOK_INTERVAL = 50;

/** Resolves when the process has ended (or is a zombie that its parent has not noticed). */
export async function waitForExit(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // After the name, which may itself hold parentheses: the state.
    return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}
