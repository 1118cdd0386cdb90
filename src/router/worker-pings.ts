/**
 * Runs in a router. Asks a worker every half second, on a link of its own, whether its event loop turns. The answer
 * comes from src/worker/served-link.ts. Pings are counted, not timed: a router that stood still itself blames nobody.
 */
import { connect, type Socket } from 'node:net';
import { LOCAL_HEADER } from '../front/proxy-header.js';
import { FLAG, FRAME } from '../http2/constants.js';
import { FrameBuffer } from '../http2/frame-buffer.js';
import { FrameReader } from '../http2/frame-reader.js';
import type { Clock } from '../shared/clock.js';
import { toError } from '../shared/errors.js';
import type { Candidate } from './worker-choice.js';

/** Between two pings, in milliseconds. */
export const PING_INTERVAL = 500;
/** Intervals that the oldest ping has been out: 1 s and 4 s. */
const LATE = 2;
const OUT = 8;

export interface WorkerPingsOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly onStanding: (standing: Candidate['standing']) => void;
}

export class WorkerPings {
  readonly #options: WorkerPingsOptions;
  readonly #frames = new FrameBuffer();
  #socket: Socket | null = null;
  #standing: Candidate['standing'] = 'good';
  #cancel: () => void = () => undefined;
  /** Of the newest ping; its payload. */
  #number = 0;
  #state: 'answered' | 'asked' | 'closed' = 'answered';
  /** Intervals since the ping that was not answered. */
  #missed = 0;

  constructor(options: WorkerPingsOptions) {
    this.#options = options;
    this.#connect();
    this.#ask();
    this.#wait();
  }

  /** Whatever it has answered so far counts no more. */
  doubt(): void {
    if (this.#state === 'closed') return;
    this.#judge('out');
    this.#ask();
  }

  close(): void {
    this.#state = 'closed';
    this.#cancel();
    this.#socket?.destroy();
    this.#socket = null;
  }

  #wait(): void {
    this.#cancel = this.#options.clock.after(PING_INTERVAL, () => {
      if (this.#socket === null) {
        this.#connect();
        this.#ask();
      } else if (this.#state === 'answered') {
        this.#ask();
      } else {
        this.#missed += 1;
        if (this.#missed >= OUT) this.#judge('out');
        else if (this.#missed >= LATE && this.#standing === 'good') this.#judge('late');
      }
      this.#wait();
    });
  }

  #connect(): void {
    const socket = connect(this.#options.path);
    this.#socket = socket;
    this.#frames.preface();
    this.#frames.settings([]);
    socket.write(LOCAL_HEADER);
    this.#flush();
    const reader = new FrameReader((type, flags, _id, buffer, start) => {
      if (type === FRAME.PING && (flags & FLAG.ACK) !== 0) this.#answered(buffer.readUInt32BE(start));
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        socket.destroy(toError(error));
      }
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#judge('out');
    });
  }

  #ask(): void {
    if (this.#state === 'answered') this.#missed = 0;
    this.#state = 'asked';
    this.#number += 1;
    const payload = Buffer.alloc(8);
    payload.writeUInt32BE(this.#number);
    this.#frames.ping(payload, false);
    this.#flush();
  }

  #answered(number: number): void {
    if (number !== this.#number || this.#state === 'closed') return;
    this.#state = 'answered';
    this.#missed = 0;
    this.#judge('good');
  }

  #judge(standing: Candidate['standing']): void {
    if (this.#standing === standing) return;
    this.#standing = standing;
    this.#options.onStanding(standing);
  }

  #flush(): void {
    for (const part of this.#frames.take()) this.#socket?.write(part);
  }
}
