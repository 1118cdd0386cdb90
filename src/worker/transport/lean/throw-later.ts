/**
 * Runs in a worker. Lets what a listener threw become an uncaught exception, as node:http2 would, without passing
 * through the session, whose other streams it would harm. A tick keeps the async context: the call is found by it.
 */
export function throwLater(error: unknown): void {
  process.nextTick(rethrow, error);
}

function rethrow(error: unknown): never {
  throw error;
}
