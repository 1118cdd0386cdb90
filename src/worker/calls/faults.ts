/** Runs in a worker: exceptions and rejections that nobody catches end one call, and never the process. */
import { callContext } from './call-context.js';
import { explain } from './call-fault.js';
import { INTERNAL_ERROR } from './status.js';

export interface Fault {
  /** The stack, or whatever was thrown. */
  readonly error: string;
  readonly kind: 'uncaughtException' | 'unhandledRejection';
  /** `/pkg.Svc/Method` of the call whose code it was, which has ended by now; null when that is unknown. */
  readonly method: string | null;
}

/**
 * Ends the guilty call with INTERNAL and hands the fault over; the process lives on, in a state that nobody can
 * vouch for. Returns the function that takes the handlers away again.
 */
export function installFaultHandlers({ onFault }: { readonly onFault: (fault: Fault) => void }): () => void {
  const handle = (kind: Fault['kind'], error: unknown): void => {
    const context = callContext.getStore();
    context?.call?.end(INTERNAL_ERROR);
    onFault({ error: explain(error), kind, method: context?.path ?? null });
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
