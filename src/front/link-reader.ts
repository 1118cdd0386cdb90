/** Runs in routers and workers. Reads the frames of a link that is a socket; header blocks are put together here. */
import { uint31At, uint32At } from '../http2/bytes.js';
import { FLAG, FRAME, MAX_FRAME, SETTING } from '../http2/constants.js';
import { FrameReader } from '../http2/frame-reader.js';
import { findSetting } from '../http2/settings.js';
import { HeaderBlock } from './header-block.js';

/** What the other end of a link says. Bytes belong to the reader again after the call. */
export interface LinkListener {
  onHeaders(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  onData(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void;
  onReset(id: number, code: number): void;
  /** @param id 0 for the link */
  onWindowUpdate(id: number, increment: number): void;
  /** @param initialWindow in bytes; null when they do not speak of it */
  onSettings(initialWindow: number | null): void;
  onSettingsAck(): void;
  onPing(payload: Buffer): void;
  onPingAck(): void;
  onGoaway(code: number, reason: string): void;
}

export class LinkReader {
  readonly #listener: LinkListener;
  /** Whoever is at the other end has bounded them. */
  readonly #block = new HeaderBlock(Infinity, Infinity);
  readonly #frames: FrameReader;

  /** @param onPause as with a FrameReader */
  constructor(listener: LinkListener, onPause: (() => void) | null = null) {
    this.#listener = listener;
    this.#frames = new FrameReader((type, flags, id, buffer, start, end) => this.#onFrame(type, flags, id, buffer, start, end), MAX_FRAME, onPause);
  }

  get isPaused(): boolean {
    return this.#frames.isPaused;
  }

  beginTurn(): void {
    this.#frames.beginTurn();
  }

  /** @throws as `push` does */
  goOn(): void {
    this.#frames.goOn();
  }

  /** @throws Error for what no link of ours carries */
  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  /** Nothing is told from now on. */
  stop(): void {
    this.#frames.stop();
  }

  #onFrame(type: number, flags: number, id: number, buffer: Buffer, start: number, end: number): void {
    const listener = this.#listener;
    switch (type) {
      case FRAME.DATA:
        listener.onData(id, buffer, start, end, (flags & FLAG.END_STREAM) !== 0);
        break;
      case FRAME.HEADERS:
        if ((flags & FLAG.END_HEADERS) !== 0) listener.onHeaders(id, buffer, start, end, (flags & FLAG.END_STREAM) !== 0);
        else this.#block.begin(id, (flags & FLAG.END_STREAM) !== 0, buffer.subarray(start, end));
        break;
      case FRAME.CONTINUATION: {
        const { endStream } = this.#block;
        const block = this.#block.continue(buffer.subarray(start, end), (flags & FLAG.END_HEADERS) !== 0);
        if (block !== null) listener.onHeaders(id, block, 0, block.length, endStream);
        break;
      }
      case FRAME.RST_STREAM:
        listener.onReset(id, uint32At(buffer, start));
        break;
      case FRAME.WINDOW_UPDATE:
        listener.onWindowUpdate(id, uint31At(buffer, start));
        break;
      case FRAME.SETTINGS:
        if ((flags & FLAG.ACK) === 0) listener.onSettings(findSetting(buffer, start, end, SETTING.INITIAL_WINDOW_SIZE));
        else listener.onSettingsAck();
        break;
      case FRAME.PING:
        if ((flags & FLAG.ACK) === 0) listener.onPing(buffer.subarray(start, end));
        else listener.onPingAck();
        break;
      case FRAME.GOAWAY:
        listener.onGoaway(uint32At(buffer, start + 4), buffer.toString('utf8', start + 8, end));
        break;
      default:
        throw new Error(`a frame of type ${type} on a link`);
    }
  }
}
