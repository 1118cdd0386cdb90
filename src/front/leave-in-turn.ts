/** Runs in routers and workers. Asks many clients to leave, so that not all come back in the same moment. */
import type { ClientConnection } from './client-connection.js';

/** Clients that leave in one go, and the pause to the next ones, in milliseconds. */
const AT_ONCE = 100;
const PAUSE = 5;

/** @param grace milliseconds after which they are gone anyway; null: never */
export function leaveInTurn(connections: readonly ClientConnection[], grace: number | null): void {
  for (const connection of connections.slice(0, AT_ONCE)) connection.leave('drain', grace);
  const others = connections.slice(AT_ONCE);
  if (others.length > 0) setTimeout(leaveInTurn, PAUSE, others, grace);
}
