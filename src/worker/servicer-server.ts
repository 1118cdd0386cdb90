/**
 * Runs in a worker. The grpc-js Server that servicers add their services to. All that it adds happens in
 * `register`, through which grpc-js passes every method of every service, unimplemented ones included.
 */
import {
  Server,
  type deserialize,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type serialize,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { MethodKind, ServiceInfo } from '../shared/service-info.js';

/** Wraps a handler so that whatever it does its call gets an answer. */
export type Guard = (kind: MethodKind, path: string, handler: UntypedHandleCall) => UntypedHandleCall;

/** The names of grpc-js for the four kinds. */
const KINDS: Readonly<Record<string, MethodKind>> = {
  unary: 'unary',
  clientStream: 'client_stream',
  serverStream: 'server_stream',
  bidi: 'bidi_stream',
};

type Handler<Request, Response> =
  | handleUnaryCall<Request, Response>
  | handleClientStreamingCall<Request, Response>
  | handleServerStreamingCall<Request, Response>
  | handleBidiStreamingCall<Request, Response>;

export class ServicerServer extends Server {
  readonly #guard: Guard;
  readonly #methods = new Map<string, MethodKind>();
  readonly #definitions: ServiceDefinition[] = [];

  constructor(options: ServerOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    super.addService(definition, implementation);
    this.#definitions.push(definition);
  }

  override register<Request, Response>(
    path: string,
    handler: Handler<Request, Response>,
    toBytes: serialize<Response>,
    fromBytes: deserialize<Request>,
    type: string,
  ): boolean {
    const kind = KINDS[type] ?? 'unary';
    const guarded = this.#guard(kind, path, handler as UntypedHandleCall) as Handler<Request, Response>;
    const added = super.register(path, guarded, toBytes, fromBytes, type);
    if (added) this.#methods.set(path, kind);
    return added;
  }

  override unregister(path: string): boolean {
    this.#methods.delete(path);
    return super.unregister(path);
  }

  /** The definitions as they were given, for reflection. */
  get definitions(): readonly ServiceDefinition[] {
    return this.#definitions;
  }

  /** What is served, in the order in which it was added. */
  describe(): ServiceInfo[] {
    const services = new Map<string, { name: string; kind: MethodKind }[]>();
    for (const [path, kind] of this.#methods) {
      const [, service = '', name = ''] = path.split('/');
      const methods = services.get(service) ?? [];
      methods.push({ name, kind });
      services.set(service, methods);
    }
    return [...services].map(([name, methods]) => ({ name, methods }));
  }
}
