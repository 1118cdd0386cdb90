/** Runs in a router. Of a link that was lost: the calls that its worker has seen nothing of, made whole again. */
import { LinkReader, type LinkListener } from '../front/link-reader.js';
import type { WaitingCall } from './waiting-call.js';

/**
 * @param frames that were not sent, whole ones
 * @param from the first call whose begin is among them
 * @param makeCall makes a call that waits; it is filled here
 * @returns those calls, but for what their clients have given up meanwhile
 */
export function readUnsentCalls(frames: Buffer, from: number, makeCall: (id: number) => WaitingCall): readonly WaitingCall[] {
  const collector = new Collector(from, makeCall);
  new LinkReader(collector).push(frames);
  return [...collector.calls.values()];
}

class Collector implements LinkListener {
  readonly calls = new Map<number, WaitingCall>();
  readonly #from: number;
  readonly #makeCall: (id: number) => WaitingCall;

  constructor(from: number, makeCall: (id: number) => WaitingCall) {
    this.#from = from;
    this.#makeCall = makeCall;
  }

  onHeaders(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    if (id >= this.#from && !this.calls.has(id)) this.calls.set(id, this.#makeCall(id));
    this.calls.get(id)?.headers(id, buffer, start, end, endStream);
  }

  onData(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    this.calls.get(id)?.data(id, buffer, start, end, endStream);
  }

  onWindowUpdate(id: number, increment: number): void {
    this.calls.get(id)?.windowUpdate(id, increment);
  }

  onReset(id: number): void {
    this.calls.get(id)?.drop();
    this.calls.delete(id);
  }

  // What is not about calls.
  onSettings(): void { /* The next link begins with the newest. */ }
  onSettingsAck(): void { /* As above. */ }
  onPing(): void { /* Nobody waits for an answer any more. */ }
  onPingAck(): void { /* As above. */ }
  onGoaway(): void { /* Not from a router. */ }
}
