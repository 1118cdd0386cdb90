/** Runs in a worker: messages on their way up from the wire, without the promises that grpc-js makes of each. */
import { AsyncResource } from 'node:async_hooks';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { throwLater } from '../transport/lean/throw-later.js';

interface WireMessage {
  /** `COMPRESSED` until it is deserialized, whether it was compressed or not. */
  type: string;
  readonly compressedMessage: Buffer;
  parsedMessage: unknown;
}

/** What this file uses of grpc-js's own end of the chain (server-interceptors.ts, 1.14), which declares it private. */
interface Wire {
  readonly handler: { readonly deserialize: (bytes: Buffer) => unknown };
  decompressAndMaybePush(message: WireMessage): unknown;
  maybePushNextMessage(): void;
}

/** Compressed flag and length. */
const PREFIX = 5;

// The tick is that of whoever came first: what users keep in an AsyncLocalStorage for that call is not for the others.
const nobody = new AsyncResource('GRPC_MESSAGES');
let waiting: { readonly wire: Wire; readonly message: WireMessage }[] = [];

/**
 * Has messages that are not compressed deserialized in one tick for all that came together. grpc-js does it in an async
 * function, which makes three promises of each, and with AsyncLocalStorage Node 20 follows every one: a tenth of the
 * price of a small call. Were grpc-js to do it in another way, nothing here would run, and a test would fail.
 */
export function readTogether(call: ServerInterceptingCallInterface): void {
  // A wire that is not grpc-js's own has no such method, and is given one that it does not call.
  (call as unknown as Wire).decompressAndMaybePush = readSoon;
}

/** One function for all wires, which costs a call less than a closure would. */
function readSoon(this: Wire, message: WireMessage): void {
  if (message.compressedMessage[0] !== 0) decompress(this, message);
  else if (waiting.push({ wire: this, message }) === 1) process.nextTick(readAsNobody);
}

function readAsNobody(): void {
  nobody.runInAsyncScope(readAll);
}

function readAll(): void {
  const messages = waiting;
  waiting = [];
  for (const { wire, message } of messages) {
    try {
      // Messages before it that are still being decompressed come first.
      if (deserialize(wire, message)) wire.maybePushNextMessage();
      else decompress(wire, message);
    } catch (error) {
      throwLater(error);
    }
  }
}

/** @returns false when it cannot be, which grpc-js then finds out by itself, and answers in its own words */
function deserialize({ handler }: Wire, message: WireMessage): boolean {
  try {
    message.parsedMessage = handler.deserialize(message.compressedMessage.subarray(PREFIX));
  } catch {
    return false;
  }
  message.type = 'READABLE';
  return true;
}

/** As grpc-js does it. It never rejects: what it cannot read ends the call. */
function decompress(wire: Wire, message: WireMessage): void {
  void (Object.getPrototypeOf(wire) as Wire).decompressAndMaybePush.call(wire, message);
}
