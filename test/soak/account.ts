// An account of every call of a soak: what it came to, and for those that failed, which disturbance explains it.

/** Something that may cost calls their life. */
export interface Disturbance {
  /** "worker 0 killed (pid 4711)" */
  readonly what: string;
  /** performance.now() when it began; when the last client has surely noticed. */
  readonly from: number;
  readonly to: number;
  readonly cuts: Cuts;
}

export interface Cuts {
  /** Whose calls; undefined: everybody's. */
  readonly client?: string;
  /** What they end with. */
  readonly codes: readonly string[];
}

export interface EndedCall {
  readonly client: string;
  readonly kind: string;
  readonly from: number;
  readonly to: number;
  readonly code: string;
  readonly details: string;
  readonly expected: string;
}

interface Unexplained extends EndedCall {
  /** What happened last before it. */
  readonly after: string;
}

/** The process that had the call, or its connection, is gone. */
const OF_EVERYBODY: Cuts = { codes: ['UNAVAILABLE'] };
/** How many calls without an explanation are kept in full. */
const SAMPLES = 20;

export class Account {
  readonly #disturbances: Disturbance[] = [];
  /** What is expected, and what a disturbance explains, by what it came to. */
  readonly ok = new Map<string, number>();
  readonly cut = new Map<string, number>();
  readonly unexplained: Unexplained[] = [];
  calls = 0;
  failures = 0;

  disturbed(what: string, from: number, to: number, cuts = OF_EVERYBODY): void {
    this.#disturbances.push({ what, from, to, cuts });
  }

  ended(call: EndedCall): void {
    this.calls += 1;
    if (call.code === call.expected) {
      count(this.ok, call.code === 'OK' ? `${call.kind}: OK` : `${call.kind}: ${call.code}, as ordered`);
      return;
    }
    const cause = this.#disturbances.findLast(
      ({ from, to, cuts: { client = call.client, codes } }) => client === call.client && codes.includes(call.code) && call.from <= to && call.to >= from,
    );
    if (cause !== undefined) {
      count(this.cut, cause.what.replace(/ \(.*/, ''));
      return;
    }
    this.failures += 1;
    if (this.unexplained.length < SAMPLES) this.unexplained.push({ ...call, after: this.#disturbances.findLast(({ from }) => from <= call.to)?.what ?? 'nothing' });
  }
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}
