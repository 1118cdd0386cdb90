/** Runs in a worker. */
import type { AsyncResource } from 'node:async_hooks';

export type WriteCallback = (error?: Error | null) => void;

/** A message, or what is left of it, that waits for the client's window or for its turn. */
export interface PendingWrite {
  readonly buffer: Buffer;
  sent: number;
  readonly callback: WriteCallback | undefined;
  /** In whose name the callback runs: it comes from a frame, which is nobody's. */
  readonly resource: AsyncResource;
}
