/**
 * Runs in a worker. The transport without node:http2: the front of a connection (src/front), and right behind it the
 * session whose streams go into the grpc-js Server (lean/).
 */
import type { Socket } from 'node:net';
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Config } from '../../config/options.js';
import { ClientConnection } from '../../front/client-connection.js';
import { YOUNG } from '../../front/farewell.js';
import { leaveInTurn } from '../../front/leave-in-turn.js';
import { factsOf, nameOf } from '../../front/peer-facts.js';
import type { ConnectionError } from '../../http2/connection-error.js';
import type { ClientLimit } from '../../shared/client-limits.js';
import { systemClock } from '../../shared/clock.js';
import type { ServicerServer } from '../servicer-server.js';
import { createLeanServer, type OpenStream } from './lean/adapter.js';
import { AnswerEncoder } from './lean/answer-headers.js';
import { RequestReader } from './lean/request-headers.js';
import { selfCall } from './lean/self-call.js';
import { Session } from './lean/session.js';
import { tellUnknown, type UnknownCalls } from './lean/unknown-calls.js';
import type { Transport } from './transport.js';

export interface LeanTransportOptions {
  readonly server: ServicerServer;
  /** Outermost first; they see every call but the self-call. */
  readonly interceptors: readonly ServerInterceptor[];
  readonly config: Config;
  readonly unknown: UnknownCalls;
  /** A client broke the protocol, and its connection ends. */
  readonly onFault: (peer: string, error: ConnectionError) => void;
  /** A client came to a limit. */
  readonly onLimit: (limit: ClientLimit, peer: string) => void;
}

export class LeanTransport implements Transport {
  readonly settle = YOUNG;
  readonly #server: ServicerServer;
  readonly #config: Config;
  readonly #onFault: LeanTransportOptions['onFault'];
  readonly #onLimit: LeanTransportOptions['onLimit'];
  readonly #open: OpenStream;
  readonly #requests: RequestReader;
  readonly #answers = new AnswerEncoder();
  readonly #connections = new Set<ClientConnection>();
  #state: 'serving' | 'draining' = 'serving';

  constructor({ server, interceptors, config, unknown, onFault, onLimit }: LeanTransportOptions) {
    this.#server = server;
    this.#config = config;
    this.#onFault = onFault;
    this.#onLimit = onLimit;
    this.#open = tellUnknown(createLeanServer(server, interceptors), unknown);
    this.#requests = new RequestReader(config.maxMetadataSize);
  }

  accept(socket: Socket): void {
    const peer = factsOf(socket);
    const onLimit = (limit: ClientLimit): void => this.#onLimit(limit, nameOf(peer));
    const connection: ClientConnection = new ClientConnection({
      socket,
      limits: this.#config,
      clock: systemClock,
      random: Math.random,
      connect: (owner) => new Session({ owner, peer, open: this.#open, requests: this.#requests, answers: this.#answers, clock: systemClock, onLimit }),
      onLimit,
      onClose: (fault) => {
        this.#connections.delete(connection);
        if (fault !== null) this.#onFault(nameOf(peer), fault);
      },
    });
    this.#connections.add(connection);
    if (this.#state === 'draining') connection.leave('drain', null);
  }

  drain(): void {
    if (this.#state === 'draining') return;
    this.#state = 'draining';
    this.sendAway();
  }

  sendAway(): void {
    leaveInTurn([...this.#connections], null);
  }

  selfCall(path: string, timeout: number): Promise<Buffer> {
    return selfCall(createLeanServer(this.#server, []), path, timeout);
  }
}
