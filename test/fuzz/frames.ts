import { FRAME_HEADER } from '#src/http2/constants.js';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** @param length what its header says, when that is not the truth */
export function bytesOf({ type, flags, id, payload }: Frame, length = payload.length): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER + payload.length);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id >>> 0, 5);
  payload.copy(bytes, FRAME_HEADER);
  return bytes;
}

/** The whole frames in what a client has sent behind its preface. */
export function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + FRAME_HEADER <= bytes.length; ) {
    const end = at + FRAME_HEADER + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({ type: bytes.readUInt8(at + 3), flags: bytes.readUInt8(at + 4), id: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + FRAME_HEADER, end) });
    at = end;
  }
  return frames;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
