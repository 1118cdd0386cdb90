/** Runs in the primary. Why a daemon cannot be replaced by a new one where it runs: its parent would take that for its end. */
import { readFileSync } from 'node:fs';

/** Programs that are PID 1 of containers and end with the process that they have started. */
const CONTAINER_INITS: ReadonlySet<string> = new Set(['tini', 'docker-init', 'dumb-init', 'catatonit']);

/** Null when nothing stands against it. */
export function findObstacle(pid: number, parent: number, init: () => string = nameOfInit): string | null {
  if (pid === 1) return 'This daemon is PID 1: the container ends with it';
  if (parent !== 1) return null;
  const name = init();
  return CONTAINER_INITS.has(name) ? `This daemon was started by ${name}, which ends the container with it` : null;
}

function nameOfInit(): string {
  try {
    return readFileSync('/proc/1/comm', 'utf8').trim();
  } catch {
    return '';
  }
}
