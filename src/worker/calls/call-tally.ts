/** Runs in a worker: what its calls come to, until it is told; src/primary/admin/call-book.ts adds up what all workers tell. */
import { status } from '@grpc/grpc-js';
import type { CallFigures, Rejection } from '../../ipc/call-figures.js';
import type { MethodKind } from '../../shared/service-info.js';
import type { CallMethod } from './forwarding-call.js';
import { MethodFigures } from './method-figures.js';

/** One row for all of them: whoever calls them chooses their names. */
const UNKNOWN = '/unknown/unknown';

export class CallTally {
  readonly #methods = new Map<string, MethodFigures>();
  #rejected: Record<Rejection, number> = { limit: 0, signature: 0 };

  /** Of a method of the server, as its calls name it. */
  of(method: CallMethod): MethodFigures {
    return this.#methods.get(method.path) ?? this.add(method.path, kindOf(method));
  }

  /** Has a row for a method before its first call. */
  add(path: string, kind: MethodKind | 'unknown'): MethodFigures {
    const known = this.#methods.get(path);
    if (known !== undefined) return known;
    const figures = new MethodFigures(path, kind);
    this.#methods.set(path, figures);
    return figures;
  }

  has(path: string): boolean {
    return this.#methods.has(path);
  }

  /** A call of a method that is not there was answered. */
  noteUnknown(): void {
    const figures = this.add(UNKNOWN, 'unknown');
    figures.started += 1;
    figures.end(status.UNIMPLEMENTED, 0);
  }

  noteRejected(why: Rejection): void {
    this.#rejected[why] += 1;
  }

  /** What has come since it was taken last. */
  take(): CallFigures {
    const rejected = this.#rejected;
    this.#rejected = { limit: 0, signature: 0 };
    return { methods: [...this.#methods.values()].flatMap((figures) => figures.take() ?? []), rejected };
  }
}

function kindOf({ requestStream, responseStream }: CallMethod): MethodKind {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}
