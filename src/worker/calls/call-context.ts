/** Runs in a worker: whose call the running code works for. faults.ts asks when nobody caught an exception. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Metadata } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';
import type { CallListener } from './forwarding-call.js';

/** What code that works for a call knows of it. Light, because a promise that outlives the call keeps it. */
export class CallContext {
  /** `/pkg.Svc/Method` */
  readonly path: string;
  /** Null once the call is over. */
  call: ActiveCall | null;

  constructor(path: string, call: ActiveCall) {
    this.path = path;
    this.call = call;
  }
}

/** Set while users' code is given something of a call, and followed by node through promises, timers and ticks. */
export const callContext = new AsyncLocalStorage<CallContext>();

export function deliverMetadata(context: CallContext, listener: CallListener | null, metadata: Metadata): void {
  if (listener !== null) callContext.run(context, onMetadata, listener, metadata);
}

export function deliverMessage(context: CallContext, listener: CallListener | null, message: unknown): void {
  if (listener !== null) callContext.run(context, onMessage, listener, message);
}

export function deliverHalfClose(context: CallContext, listener: CallListener | null): void {
  if (listener !== null) callContext.run(context, onHalfClose, listener);
}

/** Here too: what a handler does to clean up may throw as well. */
export function deliverEnd(context: CallContext, listener: CallListener | null): void {
  if (listener !== null) callContext.run(context, onEnd, listener);
}

// Not closures, which would be made anew for every message.
const onMetadata = (listener: CallListener, metadata: Metadata): void => listener.onReceiveMetadata(metadata);
const onMessage = (listener: CallListener, message: unknown): void => listener.onReceiveMessage(message);
const onHalfClose = (listener: CallListener): void => listener.onReceiveHalfClose();
const onEnd = (listener: CallListener): void => listener.onCancel();
