/** Runs in a worker: exceptions and rejections that nobody catches end one call, and never the process. */
import { callContext, type ActiveCall } from './active-call.js';
import { INTERNAL_ERROR } from './status.js';

export interface Fault {
  readonly error: unknown;
  readonly kind: 'uncaughtException' | 'unhandledRejection';
  /** The call whose code it was, ended by now; null when that is unknown. */
  readonly call: ActiveCall | null;
}

/**
 * Ends the guilty call with INTERNAL and hands the fault over; the process lives on, in a state that nobody can
 * vouch for. Returns the function that takes the handlers away again.
 */
export function installFaultHandlers({ onFault }: { readonly onFault: (fault: Fault) => void }): () => void {
  const handle = (kind: Fault['kind'], error: unknown): void => {
    const call = callContext.getStore() ?? null;
    call?.end(INTERNAL_ERROR);
    onFault({ error, kind, call });
  };
  const onException = (error: unknown): void => handle('uncaughtException', error);
  const onRejection = (error: unknown): void => handle('unhandledRejection', error);
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
  return () => {
    process.off('uncaughtException', onException);
    process.off('unhandledRejection', onRejection);
  };
}
