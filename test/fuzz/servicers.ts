import { status } from '@grpc/grpc-js';
import type { LooseCall, LooseCallback, LooseHandler } from '../support/call-rig.js';

const first = (message: unknown): number => (message as Buffer)[0] ?? 0;

/** One for each kind of call; what they do depends on what they are sent. */
export const HANDLERS: Readonly<Record<'unary' | 'clientStream' | 'serverStream' | 'bidi', LooseHandler>> = {
  unary(call, callback) {
    answer(first(call.request), call, callback);
  },
  clientStream(call, callback) {
    let bytes = 0;
    call.on('data', (message) => {
      bytes += (message as Buffer).length;
      if (first(message) === 7) callback({ code: status.ABORTED, details: 'early' });
    });
    call.on('end', () => callback(null, Buffer.from(String(bytes))));
  },
  serverStream(call) {
    const kind = first(call.request);
    if (kind === 6) return; // Until the client gives up.
    for (let count = 0; count < kind * 4; count += 1) call.write(Buffer.alloc(kind * 1500, kind));
    if (kind === 5) call.emit('error', { code: status.DATA_LOSS, details: 'amidst' });
    else call.end();
  },
  bidi(call) {
    // Reads nothing for a while, so that bytes are parked.
    setImmediate(() => {
      call.on('data', (message) => {
        call.write(message);
        if (first(message) === 5) call.end();
      });
      call.on('end', () => call.end());
    });
  },
};

function answer(kind: number, call: LooseCall, callback: LooseCallback): void {
  switch (kind) {
    case 1:
      setImmediate(() => callback(null, call.request));
      break;
    case 2:
      callback({ code: status.NOT_FOUND, details: 'not here' });
      break;
    case 3:
      callback(null, Buffer.alloc(300_000, 3));
      break;
    case 4:
      break; // Never.
    default:
      callback(null, call.request);
  }
}
