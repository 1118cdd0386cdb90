import { FRAME_HEADER } from '#src/http2/constants.js';
import type { OnFrame } from '#src/http2/frame-reader.js';

/** Reads frames as they were written: src/http2/frame-reader.ts passes large ones in parts. */
export class WholeFrames {
  readonly #onFrame: OnFrame;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    while (at + FRAME_HEADER <= bytes.length) {
      const start = at + FRAME_HEADER;
      const end = start + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#onFrame(bytes.readUInt8(at + 3), bytes.readUInt8(at + 4), bytes.readUInt32BE(at + 5) & 0x7fff_ffff, bytes, start, end);
      at = end;
    }
    this.#bytes = bytes.subarray(at);
  }
}
