/**
 * Runs in a worker, with `balance: rpc`. Where routers connect to: a unix socket, on which each of them opens one link
 * for each client that has calls for this worker, and one for its pings (src/router/worker-pings.ts).
 */
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import type { Server as GrpcServer, ServerInterceptor } from '@grpc/grpc-js';
import { nameOf } from '../front/peer-facts.js';
import type { ClientLimit } from '../shared/client-limits.js';
import type { Clock } from '../shared/clock.js';
import type { Arrivals } from './arrivals.js';
import { ServedLink } from './served-link.js';
import { createLeanServer, type OpenStream } from './transport/lean/adapter.js';
import { AnswerEncoder } from './transport/lean/answer-headers.js';
import { RequestReader } from './transport/lean/request-headers.js';
import { Session } from './transport/lean/session.js';
import { tellUnknown, type UnknownCalls } from './transport/lean/unknown-calls.js';

/** Links that may wait to be taken: all clients of a router may want one in the same moment. */
const BACKLOG = 4096;

export interface LinkServerOptions {
  readonly server: GrpcServer;
  /** Outermost first; they see every call. */
  readonly interceptors: readonly ServerInterceptor[];
  /** Bytes of a header list. */
  readonly maxMetadataSize: number;
  /** Absent: nobody counts them. */
  readonly unknown?: UnknownCalls;
  readonly clock: Clock;
  /** A router did what none does. */
  readonly onFault: (reason: string) => void;
  /** A client came to a limit. */
  readonly onLimit: (limit: ClientLimit, peer: string) => void;
}

export class LinkServer implements Arrivals {
  /** Routers stop sending calls by themselves, so nobody has to settle. */
  readonly youngest = -Infinity;
  readonly #open: OpenStream;
  readonly #requests: RequestReader;
  readonly #answers = new AnswerEncoder();
  readonly #clock: Clock;
  readonly #links = new Set<ServedLink>();
  readonly #server: Server;
  /** Called whenever the last link has closed: no router sends calls any more. */
  onEmpty: () => void = () => undefined;

  constructor({ server, interceptors, maxMetadataSize, unknown, clock, onFault, onLimit }: LinkServerOptions) {
    const open = createLeanServer(server, interceptors);
    this.#open = unknown === undefined ? open : tellUnknown(open, unknown);
    this.#requests = new RequestReader(maxMetadataSize);
    this.#clock = clock;
    this.#server = createServer((socket) => {
      const link: ServedLink = new ServedLink({
        socket,
        clock: this.#clock,
        connect: (owner, peer) =>
          new Session({
            owner, peer, open: this.#open, requests: this.#requests, answers: this.#answers, clock, onLimit: (limit) => onLimit(limit, nameOf(peer)),
          }),
        onClose: (reason) => {
          this.#links.delete(link);
          if (reason !== null) onFault(reason);
          if (this.#links.size === 0) this.onEmpty();
        },
      });
      this.#links.add(link);
    });
  }

  /** Links that are open, those for pings included. */
  get connections(): number {
    return this.#links.size;
  }

  /** Calls that are in progress on them. */
  get calls(): number {
    let calls = 0;
    for (const link of this.#links) calls += link.calls;
    return calls;
  }

  /** @param path of a unix socket that does not exist yet, in a folder of ours alone */
  async listen(path: string): Promise<void> {
    this.#server.listen({ path, backlog: BACKLOG });
    await once(this.#server, 'listening');
  }

  /** Ends every link at once, and takes no more. */
  destroyAll(): void {
    this.#server.close();
    for (const link of this.#links) link.destroy();
  }
}
