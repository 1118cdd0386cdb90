/** Runs in a worker: the access log, one line for a call that has ended. What it never says: metadata and messages. */
import { status } from '@grpc/grpc-js';
import type { Config } from '../../config/options.js';
import type { Emit } from '../../shared/events.js';
import type { ActiveCall } from './active-call.js';
import { codeName } from './call-fault.js';

const OK: number = status.OK;

export class AccessLog {
  readonly #emit: Emit;
  readonly #access: 'errors' | 'all';
  readonly #sample: number;
  #passed = 0;

  private constructor(emit: Emit, access: 'errors' | 'all', sample: number) {
    this.#emit = emit;
    this.#access = access;
    this.#sample = sample;
  }

  /** Null when nothing is to be logged. */
  static create({ access, accessSample }: Config['log'], emit: Emit): AccessLog | null {
    return access === null ? null : new AccessLog(emit, access, accessSample);
  }

  /** @param ms what the call took */
  note(call: ActiveCall, code: number, ms: number): void {
    if (code === OK) {
      if (this.#access === 'errors') return;
      this.#passed += 1;
      if (this.#passed < this.#sample) return;
      this.#passed = 0;
    }
    const { path: method, peer, received, sent, bytesReceived, bytesSent } = call;
    this.#emit('call.ended', { method, peer, code: codeName(code), ms: Math.round(ms * 1000) / 1000, received, sent, bytesReceived, bytesSent });
  }
}
