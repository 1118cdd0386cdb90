/**
 * Runs in the primary. What the calls of all workers have come to, those that are gone included. Workers tell what is
 * new since they told last (src/worker/calls/call-tally.ts), so the totals only grow, whoever leaves.
 */
import { NO_CALLS, REJECTIONS, type CallFigures, type MethodCalls, type Rejection } from '../../ipc/call-figures.js';

export class CallBook {
  readonly #methods = new Map<string, MethodCalls>();
  #rejected: Readonly<Record<Rejection, number>> = NO_CALLS.rejected;

  add({ methods, rejected }: CallFigures): void {
    for (const told of methods) {
      const key = `${told.kind} ${told.service}/${told.method}`;
      const before = this.#methods.get(key);
      this.#methods.set(key, before === undefined ? told : sum(before, told));
    }
    for (const why of REJECTIONS) this.#rejected = { ...this.#rejected, [why]: this.#rejected[why] + rejected[why] };
  }

  get methods(): Iterable<MethodCalls> {
    return this.#methods.values();
  }

  /** The rows of now, by kind and name: rows are replaced, and never change. */
  snapshot(): ReadonlyMap<string, MethodCalls> {
    return new Map(this.#methods);
  }

  get rejected(): Readonly<Record<Rejection, number>> {
    return this.#rejected;
  }
}

function sum(one: MethodCalls, other: MethodCalls): MethodCalls {
  return {
    ...one,
    started: one.started + other.started,
    received: one.received + other.received,
    sent: one.sent + other.sent,
    codes: sumEach(one.codes, other.codes),
    buckets: sumEach(one.buckets, other.buckets),
    seconds: one.seconds + other.seconds,
  };
}

const sumEach = (some: readonly number[], others: readonly number[]): number[] => some.map((value, index) => value + (others[index] ?? 0));
