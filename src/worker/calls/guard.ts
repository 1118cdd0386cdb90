/** Runs in a worker: stands around every handler, so that each call gets its one status and the process lives. */
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { guardAnswer } from './answer-guard.js';
import { ForwardingCall } from './forwarding-call.js';
import { chainOf, type AnswerStream, type HandlerCall, type HandlerCallback, type HandlerKind } from './handler-call.js';
import { guardStream } from './stream-guard.js';

/**
 * The handler as it is to be registered instead of the user's. On a connection without accounting, which only
 * the worker itself uses, it adds nothing.
 * @param kind as grpc-js names it in `Server.register`
 */
export function guardHandler(kind: HandlerKind, handler: UntypedHandleCall): UntypedHandleCall {
  // grpc-js's one type for the four kinds fits none of them.
  const run = handler as (call: HandlerCall, callback?: unknown) => unknown;
  if (kind === 'unary' || kind === 'clientStream') {
    const guarded = (call: HandlerCall, callback: HandlerCallback): void => {
      const active = findActive(call);
      if (active === null) run(call, callback);
      else guardAnswer(run, call, callback, active);
    };
    return guarded as UntypedHandleCall;
  }
  return (call: HandlerCall) => {
    const active = findActive(call);
    if (active === null) run(call);
    else guardStream(run, call as AnswerStream, active);
  };
}

function findActive(call: HandlerCall): ForwardingCall['active'] {
  const chain = chainOf(call);
  return chain instanceof ForwardingCall ? chain.active : null;
}
