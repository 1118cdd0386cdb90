/**
 * Runs in workers and in the inspector: the grpc-js Server that servicers add their services to. All that it adds
 * happens in `register`, through which grpc-js passes every method, those that a servicer left out included.
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
import type { HandlerKind } from './calls/handler-call.js';
import { checkHandlers } from './check-handlers.js';
import { methodKind, type ServiceRegistry } from './service-registry.js';

/** Wraps a handler so that its call gets an answer whatever the handler does. */
export type Guard = (kind: HandlerKind, handler: UntypedHandleCall) => UntypedHandleCall;

type Handler<Request, Response> =
  | handleUnaryCall<Request, Response>
  | handleClientStreamingCall<Request, Response>
  | handleServerStreamingCall<Request, Response>
  | handleBidiStreamingCall<Request, Response>;

export class ServicerServer extends Server {
  readonly #guard: Guard;
  readonly #registry: ServiceRegistry;
  readonly #definitions: ServiceDefinition[] = [];
  /** `pkg.Service/Method`, of methods that no servicer handles. */
  readonly unhandled: string[] = [];

  constructor(options: ServerOptions, registry: ServiceRegistry, guard: Guard) {
    super(options);
    this.#registry = registry;
    this.#guard = guard;
  }

  /** The definitions as they were given, for reflection. */
  get definitions(): readonly ServiceDefinition[] {
    return this.#definitions;
  }

  override addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    const missing = checkHandlers(definition, implementation);
    super.addService(definition, implementation);
    this.#definitions.push(definition);
    for (const name of missing) this.unhandled.push(definition[name]?.path.slice(1) ?? name);
  }

  override register<Request, Response>(
    path: string,
    handler: Handler<Request, Response>,
    toBytes: serialize<Response>,
    fromBytes: deserialize<Request>,
    type: string,
  ): boolean {
    this.#registry.add(path, methodKind(type));
    // grpc-js's own types say string; these four are all that it passes.
    const guarded = this.#guard(type as HandlerKind, handler as UntypedHandleCall) as Handler<Request, Response>;
    return super.register(path, guarded, toBytes, fromBytes, type);
  }
}
