/** Runs in a worker: the links of the chain between the wire and a handler. The wire's end is grpc-js's own. */
import type { Metadata, ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import type { ActiveCall } from './active-call.js';

/** grpc-js exports neither of these three by name. */
export type CallListener = Parameters<ServerInterceptingCallInterface['start']>[0];
export type CallStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];
export type CallMethod = Parameters<ServerInterceptor>[0];

/**
 * A link that passes everything on: what a handler sends goes down to `below`, what the client sends goes up to
 * `above`. One object a call plays both parts; subclasses override what they care about. It does the work of
 * grpc-js's ServerInterceptingCall without its closures and queues, which only hooks that answer later need.
 */
export class ForwardingCall implements ServerInterceptingCallInterface, CallListener {
  protected readonly below: ServerInterceptingCallInterface;
  protected above: CallListener | null = null;

  constructor(below: ServerInterceptingCallInterface) {
    this.below = below;
  }

  /** The outermost link of the chain; null on a connection without accounting. */
  get active(): ActiveCall | null {
    return this.below instanceof ForwardingCall ? this.below.active : null;
  }

  start(listener: CallListener): void {
    this.above = listener;
    this.below.start(this);
  }

  sendMetadata(metadata: Metadata): void {
    this.below.sendMetadata(metadata);
  }

  sendMessage(message: unknown, callback: () => void): void {
    this.below.sendMessage(message, callback);
  }

  sendStatus(status: CallStatus): void {
    this.below.sendStatus(status);
  }

  startRead(): void {
    this.below.startRead();
  }

  onReceiveMetadata(metadata: Metadata): void {
    this.above?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.above?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.above?.onReceiveHalfClose();
  }

  onCancel(): void {
    this.above?.onCancel();
  }

  getPeer(): string {
    return this.below.getPeer();
  }

  getDeadline(): ReturnType<ServerInterceptingCallInterface['getDeadline']> {
    return this.below.getDeadline();
  }

  getHost(): string {
    return this.below.getHost();
  }

  getAuthContext(): ReturnType<ServerInterceptingCallInterface['getAuthContext']> {
    return this.below.getAuthContext();
  }

  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface['getConnectionInfo']> {
    return this.below.getConnectionInfo();
  }

  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface['getMetricsRecorder']> {
    return this.below.getMetricsRecorder();
  }
}

/**
 * An interceptor made of a function that returns any link. grpc-js declares its class, which has private members
 * and so admits no other type, but uses the methods of the interface alone.
 */
export function interceptorOf(
  create: (method: CallMethod, call: ServerInterceptingCallInterface) => ServerInterceptingCallInterface,
): ServerInterceptor {
  return create as (method: CallMethod, call: ServerInterceptingCallInterface) => ServerInterceptingCall;
}

/** The call that an interceptor of ours was given; the accounting comes before all of them (assemble-interceptors.ts). */
export function activeCallOf(call: ServerInterceptingCallInterface): ActiveCall {
  const active = call instanceof ForwardingCall ? call.active : null;
  if (active === null) throw new TypeError('an interceptor of the daemon stands before the accounting');
  return active;
}
