import { FRAME_HEADER } from '#src/http2/constants.js';
import { framesOf, type Frame } from '../fuzz/frames.js';

/** Reads frames as they were written: src/http2/frame-reader.ts passes large ones in parts. */
export class WholeFrames {
  readonly #onFrame: (frame: Frame) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Buffer): void {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const frames = framesOf(bytes);
    this.#rest = bytes.subarray(frames.reduce((sum, { payload }) => sum + FRAME_HEADER + payload.length, 0));
    for (const frame of frames) this.#onFrame(frame);
  }
}
