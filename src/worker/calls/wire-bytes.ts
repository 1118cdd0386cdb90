/** Runs in a worker: the bytes of the messages of a call, which no interceptor sees. */
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

export interface ByteCount {
  /** Of messages from and to the client as they travel, compressed or not, each with the five bytes before it. */
  bytesReceived: number;
  bytesSent: number;
}

const COUNT = Symbol('where the bytes of this wire are counted');

/** What grpc-js's own end of the chain does with every message (server-interceptors.ts, 1.14); its types keep it private. */
interface Frames {
  handleDataFrame(data: Buffer): void;
  serializeMessage(message: unknown): Buffer;
}

type WireCall = ServerInterceptingCallInterface & Frames & { [COUNT]?: ByteCount };

/**
 * Adds the bytes of a call to `count` from here on. Replaces two methods of the one object, as wire-answers.ts does;
 * were grpc-js to use others, nothing would be counted, and a test would fail.
 */
export function countBytes(wire: ServerInterceptingCallInterface, count: ByteCount): void {
  const own = wire as WireCall;
  own[COUNT] = count;
  own.handleDataFrame = countReceived;
  own.serializeMessage = countSent;
}

// One function for all wires, which costs a call less than a closure would.

function countReceived(this: WireCall, data: Buffer): void {
  const count = this[COUNT];
  if (count !== undefined) count.bytesReceived += data.length;
  (Object.getPrototypeOf(this) as Frames).handleDataFrame.call(this, data);
}

function countSent(this: WireCall, message: unknown): Buffer {
  const bytes = (Object.getPrototypeOf(this) as Frames).serializeMessage.call(this, message);
  const count = this[COUNT];
  if (count !== undefined) count.bytesSent += bytes.length;
  return bytes;
}
