/** A grpc-js server on loopback with the chain of a worker around its calls, and a client that tells all it got. */
import grpc from '@grpc/grpc-js';
import type { CallFault } from '#src/worker/calls/call-fault.js';
import { CallRegistry } from '#src/worker/calls/call-registry.js';
import { assembleInterceptors, type InterceptorParts } from '#src/worker/calls/assemble-interceptors.js';
import { guardHandler } from '#src/worker/calls/guard.js';
import type { ActiveCall } from '#src/worker/calls/active-call.js';
import type { HandlerKind } from '#src/worker/calls/handler-call.js';

export type Kind = 'unary' | 'clientStream' | 'serverStream' | 'bidi';
export const KINDS: readonly Kind[] = ['unary', 'clientStream', 'serverStream', 'bidi'];

const toBytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const fromBytes = (bytes: Buffer): unknown => JSON.parse(bytes.toString()) as unknown;

export const SERVICE = Object.fromEntries(
  KINDS.map((kind) => [kind, {
    path: `/test.Calls/${kind}`,
    requestStream: kind === 'clientStream' || kind === 'bidi',
    responseStream: kind === 'serverStream' || kind === 'bidi',
    requestSerialize: toBytes,
    requestDeserialize: fromBytes,
    responseSerialize: toBytes,
    responseDeserialize: fromBytes,
  }]),
) as unknown as Record<Kind, grpc.MethodDefinition<unknown, unknown>>;

/** What users' handlers are given, as loosely as JavaScript takes it. */
export interface LooseCall extends AsyncIterable<unknown> {
  readonly request: unknown;
  readonly metadata: grpc.Metadata;
  readonly cancelled: boolean;
  sendMetadata(metadata: unknown): void;
  write(message: unknown): boolean;
  end(trailers?: unknown): void;
  destroy(error?: unknown): void;
  emit(event: string, argument?: unknown): void;
  on(event: string, listener: (argument: unknown) => unknown): void;
}
export type LooseCallback = (error?: unknown, value?: unknown, trailer?: unknown) => void;
export type LooseHandler = (call: LooseCall, callback: LooseCallback) => unknown;

function guardedServer(options: grpc.ServerOptions | undefined): grpc.Server {
  const server = new grpc.Server(options);
  const register = server.register.bind(server);
  server.register = (name, handler, serialize, deserialize, type) => {
    const guarded = guardHandler(type as HandlerKind, handler as grpc.UntypedHandleCall) as typeof handler;
    return register(name, guarded, serialize, deserialize, type);
  };
  return server;
}

export interface RigOptions {
  readonly handlers?: Partial<Record<Kind, LooseHandler>>;
  /** Further services, such as health. */
  readonly services?: (server: grpc.Server) => void;
  readonly serverOptions?: grpc.ServerOptions;
  readonly parts?: (registry: CallRegistry) => Partial<InterceptorParts>;
  readonly onCallEnded?: (call: ActiveCall, code: number) => void;
}

export interface Rig {
  readonly server: grpc.Server;
  readonly registry: CallRegistry;
  readonly faults: CallFault[];
  readonly address: string;
  readonly client: grpc.Client;
  /** Resolves when no call is in flight. */
  readonly idle: () => Promise<void>;
  close(): void;
}

export async function startRig({ handlers = {}, services, serverOptions, parts, onCallEnded }: RigOptions): Promise<Rig> {
  const faults: CallFault[] = [];
  const waiting = new Set<() => void>();
  const registry = new CallRegistry({
    report: (fault) => faults.push(fault),
    onCallEnded(call, code) {
      onCallEnded?.(call, code);
      if (registry.inFlight === 0) for (const resolve of waiting) resolve();
    },
  });
  const server = guardedServer(serverOptions);
  server.addService(SERVICE, handlers as unknown as grpc.UntypedServiceImplementation);
  services?.(server);
  const interceptors = assembleInterceptors({
    accounting: registry.accounting, limit: null, signature: null, user: [], ...parts?.(registry),
  });
  const credentials = grpc.experimental.createServerCredentialsWithInterceptors(
    grpc.ServerCredentials.createInsecure(), interceptors,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  const address = `127.0.0.1:${port}`;
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  // So that the deadlines of tests are not spent on connecting.
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 20_000, (error) => (error === undefined ? resolve() : reject(error)));
  });
  return {
    server, registry, faults, address, client,
    idle: () => new Promise((resolve) => {
      if (registry.inFlight === 0) resolve();
      else waiting.add(resolve);
    }),
    close() {
      client.close();
      server.forceShutdown();
    },
  };
}

export interface Outcome {
  readonly code: number;
  readonly details: string;
  readonly messages: readonly unknown[];
  readonly trailers: grpc.Metadata;
}

export interface InvokeOptions {
  readonly send?: readonly unknown[];
  readonly metadata?: grpc.Metadata;
  /** Milliseconds. A handler that leaves its client waiting shows as DEADLINE_EXCEEDED. */
  readonly deadline?: number;
  readonly path?: string;
  /** Given the running call, to cancel it or to write on. */
  readonly onCall?: (call: grpc.Call) => void;
  /** False: the client's half stays open. */
  readonly end?: boolean;
}

export function invoke(client: grpc.Client, kind: Kind, options: InvokeOptions = {}): Promise<Outcome> {
  const { send = [{ n: 1 }], metadata = new grpc.Metadata(), deadline = 10_000, end = true, onCall } = options;
  const { path: ownPath, requestSerialize, responseDeserialize } = SERVICE[kind];
  const path = options.path ?? ownPath;
  const callOptions = { deadline: Date.now() + deadline };
  return new Promise((resolve) => {
    const messages: unknown[] = [];
    const onAnswer = (error: grpc.ServiceError | null, value?: unknown): void => {
      if (error === null) messages.push(value);
    };
    let call: grpc.Call;
    if (kind === 'unary') {
      call = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, send[0], metadata, callOptions, onAnswer);
    } else if (kind === 'clientStream') {
      call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, callOptions, onAnswer);
    } else if (kind === 'serverStream') {
      call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, send[0], metadata, callOptions);
    } else {
      call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, callOptions);
    }
    if (kind === 'serverStream' || kind === 'bidi') {
      const stream = call as grpc.ClientReadableStream<unknown>;
      stream.on('data', (message) => messages.push(message));
      stream.on('error', () => undefined);
    }
    call.on('status', ({ code, details, metadata: trailers }: grpc.StatusObject) =>
      setImmediate(() => resolve({ code, details, messages, trailers })));
    if (kind === 'clientStream' || kind === 'bidi') {
      const stream = call as grpc.ClientWritableStream<unknown>;
      for (const message of send) stream.write(message);
      if (end) stream.end();
    }
    onCall?.(call);
  });
}
