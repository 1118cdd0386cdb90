/** Runs in a worker: the objects that grpc-js gives to handlers. */
import type { Duplex, Writable } from 'node:stream';
import type { Metadata, ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { CallStatus } from './forwarding-call.js';

export type HandlerKind = 'unary' | 'clientStream' | 'serverStream' | 'bidi';

/** The first argument of a handler. grpc-js makes it a Writable even where nothing can be written. */
export type HandlerStream = (Writable | Duplex) & {
  /** grpc-js sets it at the end of every call, however it ended. */
  readonly cancelled: boolean;
};

/** What grpc-js gives to a handler that answers with one message. */
export type HandlerCallback = (error: CallStatus | null, value?: unknown, trailer?: Metadata, flags?: number) => void;

/**
 * The top of the chain of interceptors, where this call's answers go. grpc-js keeps it in a field that it
 * declares private (server-call.ts, 1.14), and has no other way to end a call whose stream was destroyed. A test
 * walks all kinds of calls through this line, and package.json holds grpc-js at ~1.14.
 */
export function chainOf(call: HandlerStream): ServerInterceptingCallInterface {
  return (call as HandlerStream & { readonly call: ServerInterceptingCallInterface }).call;
}

/**
 * Makes `listener` the one that hears of errors before users' own listeners do. grpc-js has one of its own by now,
 * which ends the call with the message of the error, and throws when that is no object.
 */
export function takeErrors(call: HandlerStream, listener: (error: unknown) => void): void {
  call.removeAllListeners('error');
  call.on('error', listener);
}
