/** Stands between a client's connection and its link, and watches both keep to src/front/link.ts. */
import { LINK_WINDOW, type Link, type Links, type SwitchOwner } from '#src/front/link.js';
import { MAX_FRAME } from '#src/http2/constants.js';

interface Stream {
  client: 'open' | 'ended' | 'reset';
  answer: 'none' | 'begun' | 'ended' | 'reset';
}

export class SeamWatch implements Links, Link {
  readonly violations: string[] = [];
  /** The link; set once, before the first frame. */
  links!: Links & Link;
  readonly #owner: SwitchOwner;
  readonly #streams = new Map<number, Stream>();
  #state: 'open' | 'closed' = 'open';
  /** DATA of the client that is not dealt with. */
  #incoming = 0;
  /** DATA of the link that there was no credit for. */
  #outgoing = 0;

  constructor(owner: SwitchOwner) {
    this.#owner = owner;
  }

  /** Bytes that are somewhere between both. */
  get bytes(): { incoming: number; outgoing: number } {
    return { incoming: this.#incoming, outgoing: this.#outgoing };
  }

  // Toward the link.

  choose(): Link {
    return this;
  }

  headers(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#streams.set(id, { client: endStream ? 'ended' : 'open', answer: 'none' });
    else if (stream.client !== 'open' || !endStream) this.#note(`trailers of ${id}, which is ${stream.client}`);
    else stream.client = 'ended';
    this.links.headers(id, buffer, start, end, endStream);
  }

  data(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#streams.get(id);
    if (stream?.client !== 'open') this.#note(`DATA of ${id}, which is ${stream?.client ?? 'not there'}`);
    else if (endStream) stream.client = 'ended';
    this.#incoming += end - start;
    this.links.data(id, buffer, start, end, endStream);
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.client === 'reset') this.#note(`a reset of ${id}, which is ${stream?.client ?? 'not there'}`);
    else if (stream.answer === 'ended' || stream.answer === 'reset') this.#note(`a reset of ${id}, which the link has ended`);
    else stream.client = 'reset';
    this.links.reset(id, code);
  }

  windowUpdate(id: number, increment: number): void {
    if (increment <= 0 || increment >= 2 ** 31) this.#note(`a window that grows by ${increment}`);
    if (!this.#streams.has(id)) this.#note(`a window of ${id}, which is not there`);
    this.links.windowUpdate(id, increment);
  }

  settings(initialWindow: number, applied: () => void): void {
    this.links.settings(initialWindow, applied);
  }

  credit(bytes: number): void {
    this.#outgoing -= bytes;
    if (this.#outgoing < 0 || bytes <= 0) this.#note(`credit of ${bytes}, more than there was by ${-this.#outgoing}`);
    this.links.credit(bytes);
  }

  close(): void {
    if (this.#state === 'closed') this.#note('closed twice');
    this.#state = 'closed';
    this.links.close();
  }

  /** What the link calls. */
  readonly owner: SwitchOwner = {
    headers: (id, buffer, start, end, endStream) => this.#answerHeaders(id, buffer, start, end, endStream),
    data: (id, buffer, start, end, endStream) => {
      const stream = this.#answering(id, 'DATA');
      if (stream !== undefined && stream.answer !== 'begun') this.#note(`DATA to ${id}, whose answer is ${stream.answer}`);
      if (stream !== undefined && endStream) stream.answer = 'ended';
      this.#outgoing += end - start;
      if (end - start > MAX_FRAME) this.#note(`DATA of ${end - start} bytes`);
      if (this.#outgoing > LINK_WINDOW) this.#note(`${this.#outgoing} bytes without credit`);
      const isTaken = this.#owner.data(id, buffer, start, end, endStream);
      if (!isTaken) this.#note(`DATA to ${id}, which the front does not know`);
      return isTaken;
    },
    reset: (id, code) => {
      const stream = this.#answering(id, 'a reset');
      if (stream !== undefined) stream.answer = 'reset';
      this.#owner.reset(id, code);
    },
    windowUpdate: (id, increment) => {
      this.#answering(id, 'a window');
      if (increment <= 0) this.#note(`a window of ${id} that grows by ${increment}`);
      this.#owner.windowUpdate(id, increment);
    },
    took: (bytes) => {
      this.#incoming -= bytes;
      if (this.#incoming < 0 || bytes <= 0) this.#note(`${bytes} bytes taken, more than there were by ${-this.#incoming}`);
      this.#owner.took(bytes);
    },
    fail: (code, reason) => {
      this.#owner.fail(code, reason);
    },
    move: (id, link) => this.#owner.move(id, link),
    lost: (link, reason) => this.#owner.lost(link, reason),
  };

  #answerHeaders(id: number, buffer: Buffer, start: number, end: number, endStream: boolean): void {
    const stream = this.#answering(id, 'HEADERS');
    if (stream !== undefined) {
      if (stream.answer === 'begun' && !endStream) this.#note(`headers twice to ${id}`);
      stream.answer = endStream ? 'ended' : 'begun';
    }
    this.#owner.headers(id, buffer, start, end, endStream);
  }

  #answering(id: number, what: string): Stream | undefined {
    const stream = this.#streams.get(id);
    if (this.#state === 'closed') this.#note(`${what} to ${id} after the end of the connection`);
    if (stream === undefined) this.#note(`${what} to ${id}, which is not there`);
    else if (stream.client === 'reset') this.#note(`${what} to ${id}, which the client has reset`);
    else if (stream.answer === 'ended' || stream.answer === 'reset') this.#note(`${what} to ${id}, which has ended`);
    return stream;
  }

  #note(what: string): void {
    this.violations.push(what);
  }
}
