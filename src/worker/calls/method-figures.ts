/** Runs in a worker: what the calls of one method come to. Every call passes here, so it is additions and nothing else. */
import type { MethodCalls } from '../../ipc/call-figures.js';
import { LATENCY_BUCKETS } from '../../shared/latency-buckets.js';
import type { MethodKind } from '../../shared/service-info.js';

const CODES = 17;
const ENDS = LATENCY_BUCKETS.map((seconds) => seconds * 1000);

export class MethodFigures {
  started = 0;
  /** Messages. */
  received = 0;
  sent = 0;
  readonly #path: string;
  readonly #kind: MethodKind | 'unknown';
  readonly #codes = new Float64Array(CODES);
  readonly #buckets = new Float64Array(ENDS.length + 1);
  #ended = 0;
  #ms = 0;
  #isNew = true;

  /** @param path `/pkg.Svc/Method` */
  constructor(path: string, kind: MethodKind | 'unknown') {
    this.#path = path;
    this.#kind = kind;
  }

  /** A call has ended. @param ms what it took */
  end(code: number, ms: number): void {
    this.#ended += 1;
    this.#ms += ms;
    this.#codes[code] = (this.#codes[code] ?? 0) + 1;
    // Most calls belong into the first bucket.
    let bucket = 0;
    while (ms > (ENDS[bucket] ?? Infinity)) bucket += 1;
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
  }

  /** What has come since it was taken last, which is 0 again; null for nothing, but not the first time. */
  take(): MethodCalls | null {
    if (!this.#isNew && this.started + this.#ended + this.received + this.sent === 0) return null;
    const [, service = '', method = ''] = this.#path.split('/');
    const taken: MethodCalls = {
      service, method, kind: this.#kind,
      started: this.started, received: this.received, sent: this.sent,
      codes: [...this.#codes], buckets: [...this.#buckets], seconds: this.#ms / 1000,
    };
    this.started = this.received = this.sent = this.#ended = this.#ms = 0;
    this.#codes.fill(0);
    this.#buckets.fill(0);
    this.#isNew = false;
    return taken;
  }
}
