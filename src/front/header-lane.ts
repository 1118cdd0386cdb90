/**
 * Runs in routers and workers. Makes the client's header blocks context-free, so that whoever reads them needs no
 * knowledge of the blocks before.
 *
 * We announce a table of size 0. A client that has taken note says so with a size update at the start of a block,
 * and refers to nothing from then on: its blocks pass as they are (the fast lane). Before that, and for ever with
 * clients that take no note, each block is decoded with the client's table and written again (the careful lane), but
 * for those that have nothing to do with a table, as all of a client that has none.
 * Passing an indexed field on would resolve it in another table: to somebody else's credentials, say.
 */
import { ERROR_CODE, SETTING } from '../http2/constants.js';
import { ConnectionError } from '../http2/connection-error.js';
import { Decoder } from '../http2/hpack/decoder.js';
import { Transcoder } from '../http2/hpack/transcoder.js';
import { isContextFree, skipZeroSizeUpdate } from '../http2/hpack/walk.js';

/** What every encoder may assume until it has read our SETTINGS (RFC 7541 section 4.2, RFC 9113 section 6.5.2). */
const DEFAULT_TABLE_SIZE = 4096;
/** What tells a size update from the other representations (RFC 7541 section 6.3). */
const SIZE_UPDATE_MASK = 0xe0;
const SIZE_UPDATE = 0x20;

/** What to announce, for all of this to begin. */
export const TABLE_SETTING = [SETTING.HEADER_TABLE_SIZE, 0] as const;

export class HeaderLane {
  /** Where `pass` has left the block. */
  buffer: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** Null in the fast lane. */
  #careful: { readonly decoder: Decoder; readonly transcoder: Transcoder; settings: 'announced' | 'acknowledged' } | null;

  /** @param maxListSize bytes of a header list, counted as RFC 9113 section 6.5.2 does */
  constructor(maxListSize: number) {
    const decoder = new Decoder(DEFAULT_TABLE_SIZE, maxListSize);
    this.#careful = { decoder, transcoder: new Transcoder(decoder), settings: 'announced' };
  }

  get isFast(): boolean {
    return this.#careful === null;
  }

  /** The client has acknowledged our SETTINGS. */
  acknowledged(): void {
    if (this.#careful !== null) this.#careful.settings = 'acknowledged';
  }

  /**
   * Takes a whole block and leaves its context-free form in `buffer`, `start`, `end`.
   * @returns false when the list is too large; it is dropped then. Of a block that passes as it is that is for its reader to say
   * @throws ConnectionError COMPRESSION_ERROR
   */
  pass(buffer: Buffer, start: number, end: number): boolean {
    if (start < end && ((buffer[start] ?? 0) & SIZE_UPDATE_MASK) === SIZE_UPDATE) {
      const begin = skipZeroSizeUpdate(buffer, start, end);
      if (this.#careful === null) {
        if (begin === start) throw new ConnectionError(ERROR_CODE.COMPRESSION_ERROR, 'a table size above the one that was announced');
        start = begin;
      } else if (begin > start && this.#careful.settings === 'acknowledged') {
        this.#careful = null;
        start = begin;
      }
    }
    if (this.#careful === null) {
      this.#leave(buffer, start, end);
      return true;
    }
    const { decoder, transcoder, settings } = this.#careful;
    const isFree = isContextFree(buffer, start, end);
    const block = isFree ? buffer : transcoder.transcode(buffer, start, end);
    // A client that had emptied its table before it was told to has nothing more to say about that.
    if (settings === 'acknowledged' && decoder.tableLimit === 0) this.#careful = null;
    if (isFree) this.#leave(buffer, start, end);
    else this.#leave(block, 0, block.length);
    return isFree || !transcoder.overflowed;
  }

  #leave(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }
}

const EMPTY = Buffer.alloc(0);
