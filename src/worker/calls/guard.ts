/** Runs in a worker: stands around every handler, so that each call gets its one status and the process lives. */
import type { UntypedHandleCall } from '@grpc/grpc-js';
import { guardAnswer } from './answer-guard.js';
import { ForwardingCall } from './forwarding-call.js';
import { chainOf, type HandlerStream, type HandlerCallback, type HandlerKind } from './handler-call.js';
import { guardStream } from './stream-guard.js';

/**
 * The handler as it is to be registered instead of the user's. On a connection without accounting, which only
 * the worker itself uses, it adds nothing.
 * @param kind as grpc-js names it in `Server.register`
 */
export function guardHandler(kind: HandlerKind, handler: UntypedHandleCall): UntypedHandleCall {
  // grpc-js's one type for the four kinds fits none of them.
  const run = handler as Handler;
  const guarded: (call: never, callback: never) => void = kind === 'unary' || kind === 'clientStream' ? guardedAnswer(run) : guardedStream(run);
  return guarded as UntypedHandleCall;
}

type Handler = (call: HandlerStream, callback?: unknown) => unknown;

function guardedAnswer(handler: Handler) {
  return (call: HandlerStream, callback: HandlerCallback): void => {
    const active = findActive(call);
    if (active === null) handler(call, callback);
    else guardAnswer(handler, call, callback, active);
  };
}

function guardedStream(handler: Handler) {
  return (call: HandlerStream): void => {
    const active = findActive(call);
    if (active === null) handler(call);
    else guardStream(handler, call, active);
  };
}

function findActive(call: HandlerStream): ForwardingCall['active'] {
  const chain = chainOf(call);
  return chain instanceof ForwardingCall ? chain.active : null;
}
