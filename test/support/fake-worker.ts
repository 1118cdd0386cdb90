/** A worker at the other end of links that does what a test wants: it answers with frames, or not at all. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Hello } from '#src/front/hello.js';
import type { PeerFacts } from '#src/front/peer-facts.js';
import { ProxyHeaderReader } from '#src/front/proxy-header.js';
import { FLAG, FRAME, SETTING, STREAM_WINDOW } from '#src/http2/constants.js';
import { FrameBuffer } from '#src/http2/frame-buffer.js';
import type { WorkerPlace } from '#src/router/routed-worker.js';
import { block, type Fields } from './link-client.js';
import type { RawFrame } from './raw-client.js';
import { WholeFrames } from './whole-frames.js';

const TYPES = Object.fromEntries(Object.entries(FRAME).map(([name, type]) => [type, name]));

export const OK_HEADERS: Fields = [[':status', '200'], ['content-type', 'application/grpc']];
export const OK_TRAILERS: Fields = [['grpc-status', '0']];

export class FakeLink {
  readonly out = new FrameBuffer();
  readonly received: RawFrame[] = [];
  readonly socket: Socket;
  /** Undefined until the PROXY header is there; null on the link of the pings. */
  peer: PeerFacts | null | undefined;
  readonly #worker: FakeWorker;
  readonly #header = new ProxyHeaderReader();
  readonly #hello = new Hello();
  readonly #reader = new WholeFrames(({ type, flags, id, payload }) => {
    this.received.push({ type: TYPES[type] ?? String(type), flags, id, payload });
    this.#answer(type, flags, payload);
  });

  constructor(socket: Socket, worker: FakeWorker) {
    this.socket = socket;
    this.#worker = worker;
    socket.on('error', () => undefined);
    socket.once('end', () => {
      if (worker.closesToo) socket.end();
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    this.out.settings([[SETTING.INITIAL_WINDOW_SIZE, worker.streamWindow]]);
    this.flush();
  }

  flush(): this {
    for (const part of this.out.take()) this.socket.write(part);
    return this;
  }

  headers(id: number, fields: Fields, endStream = false): this {
    const bytes = block(fields);
    this.out.headers(id, bytes, 0, bytes.length, endStream);
    return this.flush();
  }

  data(id: number, bytes: Buffer, endStream = false): this {
    this.out.data(id, bytes, 0, bytes.length, endStream);
    return this.flush();
  }

  /** Frames of that type. */
  framesOf(type: keyof typeof FRAME): RawFrame[] {
    return this.received.filter((frame) => frame.type === type);
  }

  #read(chunk: Buffer): void {
    let rest = chunk;
    if (this.peer === undefined) {
      const header = this.#header.read(chunk);
      if (header === null) return;
      this.peer = header.peer;
      rest = header.rest;
    }
    const frames = this.#hello.isComplete ? rest : this.#hello.read(rest);
    if (frames !== null) this.#reader.push(frames);
    this.#worker.onFrames();
  }

  #answer(type: number, flags: number, payload: Buffer): void {
    if ((flags & FLAG.ACK) !== 0) return;
    if (type === FRAME.SETTINGS && this.#worker.acknowledges) this.out.settingsAck();
    if (type === FRAME.PING && this.#worker.answersPings) this.out.ping(payload, true);
    this.flush();
  }
}

export class FakeWorker implements Disposable {
  readonly place: WorkerPlace;
  readonly all: FakeLink[] = [];
  acknowledges = true;
  answersPings = true;
  /** Closes its end of a link when the router has closed the other. */
  closesToo = true;
  streamWindow = STREAM_WINDOW;
  /** Something came. */
  onFrames: () => void = () => undefined;
  readonly #server: Server;

  private constructor(place: WorkerPlace) {
    this.place = place;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.all.push(new FakeLink(socket, this)));
  }

  static async listen(path: string, id: number): Promise<FakeWorker> {
    const worker = new FakeWorker({ id, slot: id - 1, generation: 1, path });
    worker.#server.listen(path);
    await once(worker.#server, 'listening');
    return worker;
  }

  /** Those of clients. */
  get links(): FakeLink[] {
    return this.all.filter(({ peer }) => peer !== undefined && peer !== null);
  }

  /** All the links that have the begin of a call. */
  linkOf(id: number): FakeLink | undefined {
    return this.links.find(({ received }) => received.some((frame) => frame.type === 'HEADERS' && frame.id === id));
  }

  /** As a worker that is killed. */
  die(): void {
    this.#server.close();
    for (const { socket } of this.all) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.die();
  }
}
