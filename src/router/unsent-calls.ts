/** Runs in a router. Of a link that was lost: the calls that its worker has seen nothing of, made whole again. */
import { HeaderBlock } from '../front/header-block.js';
import { uint31At } from '../http2/bytes.js';
import { FLAG, FRAME } from '../http2/constants.js';
import { FrameReader } from '../http2/frame-reader.js';
import type { WaitingCall } from './waiting-call.js';

/**
 * @param frames that were not sent, whole ones
 * @param from the first call whose begin is among them
 * @param makeCall makes a call that waits; it is filled here
 * @returns those calls, but for what their clients have given up meanwhile
 */
export function readUnsentCalls(frames: Buffer, from: number, makeCall: (id: number) => WaitingCall): readonly WaitingCall[] {
  const calls = new Map<number, WaitingCall>();
  const block = new HeaderBlock(Infinity, Infinity);
  const onBlock = (id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void => {
    if (id >= from && !calls.has(id)) calls.set(id, makeCall(id));
    calls.get(id)?.headers(id, buffer, start, end, endStream);
  };
  const reader = new FrameReader((type, flags, id, buffer, start, end) => {
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    const isWhole = (flags & FLAG.END_HEADERS) !== 0;
    if (type === FRAME.HEADERS && isWhole) onBlock(id, buffer, start, end, endStream);
    else if (type === FRAME.HEADERS) block.begin(id, endStream, buffer.subarray(start, end));
    else if (type === FRAME.DATA) calls.get(id)?.data(id, buffer, start, end, endStream);
    else if (type === FRAME.WINDOW_UPDATE) calls.get(id)?.windowUpdate(id, uint31At(buffer, start));
    else if (type === FRAME.RST_STREAM) calls.delete(id);
    else if (type === FRAME.CONTINUATION) {
      const isLast = block.endStream;
      const whole = block.continue(buffer.subarray(start, end), isWhole);
      if (whole !== null) onBlock(id, whole, 0, whole.length, isLast);
    }
  });
  reader.push(frames);
  return [...calls.values()];
}
