/** A grpc-js server fed by the lean transport in memory: four methods, one for each kind, and a client at the seam. */
import grpc from '@grpc/grpc-js';
import { createLeanServer } from '#src/worker/transport/lean/adapter.js';
import { AnswerEncoder } from '#src/worker/transport/lean/answer-headers.js';
import type { PeerFacts } from '#src/front/peer-facts.js';
import { RequestReader } from '#src/worker/transport/lean/request-headers.js';
import { Session } from '#src/worker/transport/lean/session.js';
import { KINDS, type Kind, type LooseHandler } from './call-rig.js';
import { LinkClient, type LinkClientOptions } from './link-client.js';

export const PEER: PeerFacts = {
  remoteAddress: '192.0.2.7', remotePort: 40_001, localAddress: '192.0.2.1', localPort: 50_051, certificate: null,
};

const keep = (bytes: Buffer): Buffer => bytes;
const read = (bytes: Buffer): Buffer => {
  if (bytes.toString('latin1') === 'unreadable') throw new Error('unreadable');
  return bytes;
};

/** As in call-rig.ts, but messages are bytes; `unreadable` are those that cannot be deserialized. */
export const BYTES_SERVICE = Object.fromEntries(
  KINDS.map((kind) => [kind, {
    path: `/test.Calls/${kind}`,
    requestStream: kind === 'clientStream' || kind === 'bidi',
    responseStream: kind === 'serverStream' || kind === 'bidi',
    requestSerialize: keep, requestDeserialize: read, responseSerialize: keep, responseDeserialize: keep,
  }]),
) as unknown as Record<Kind, grpc.MethodDefinition<Buffer, Buffer>>;

export interface LeanRigOptions extends LinkClientOptions {
  readonly handlers?: Partial<Record<Kind, LooseHandler>>;
  readonly serverOptions?: grpc.ServerOptions;
  readonly interceptors?: readonly grpc.ServerInterceptor[];
  readonly peer?: PeerFacts;
  readonly maxMetadataSize?: number;
}

export interface LeanRig {
  readonly server: grpc.Server;
  readonly session: Session;
  readonly client: LinkClient;
}

export function startLeanRig(options: LeanRigOptions = {}): LeanRig {
  const { handlers = {}, serverOptions, interceptors = [], peer = PEER, maxMetadataSize = 16 * 1024 } = options;
  const server = new grpc.Server(serverOptions);
  server.addService(BYTES_SERVICE, handlers as unknown as grpc.UntypedServiceImplementation);
  const client = new LinkClient(options);
  const session = new Session({
    owner: client, peer, open: createLeanServer(server, interceptors),
    requests: new RequestReader(maxMetadataSize), answers: new AnswerEncoder(),
  });
  client.link = session;
  return { server, session, client };
}
