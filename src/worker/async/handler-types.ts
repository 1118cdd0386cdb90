/** Runs nowhere: the types of the handlers that users write in workers and in tests. */
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { AsyncCall } from './async-call.js';

/** What a handler that streams may return: an async generator, or anything else that can be iterated. */
export type Messages<Response> = AsyncIterable<Response> | Iterable<Response> | Promise<AsyncIterable<Response> | Iterable<Response>>;

export type UnaryHandler<Request, Response> = (request: Request, call: AsyncCall) => Promise<Response> | Response;
export type ClientStreamHandler<Request, Response> = (requests: AsyncIterable<Request>, call: AsyncCall) => Promise<Response> | Response;
export type ServerStreamHandler<Request, Response> = (request: Request, call: AsyncCall) => Messages<Response>;
export type BidiStreamHandler<Request, Response> = (requests: AsyncIterable<Request>, call: AsyncCall) => Messages<Response>;

/** A method of a service definition, as far as it tells types: code generators write `true` and `false`. */
interface DefinedMethod<RequestStream, ResponseStream, Request, Response> {
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
  readonly requestDeserialize: (bytes: Buffer) => Request;
  readonly responseSerialize: (message: Response) => Buffer;
}

/** The async form of a grpc-js handler, or of a method of a definition. */
export type AsyncHandler<Method> =
  Method extends handleUnaryCall<infer Request, infer Response> ? UnaryHandler<Request, Response>
  : Method extends handleClientStreamingCall<infer Request, infer Response> ? ClientStreamHandler<Request, Response>
  : Method extends handleServerStreamingCall<infer Request, infer Response> ? ServerStreamHandler<Request, Response>
  : Method extends handleBidiStreamingCall<infer Request, infer Response> ? BidiStreamHandler<Request, Response>
  : Method extends DefinedMethod<false, false, infer Request, infer Response> ? UnaryHandler<Request, Response>
  : Method extends DefinedMethod<true, false, infer Request, infer Response> ? ClientStreamHandler<Request, Response>
  : Method extends DefinedMethod<false, true, infer Request, infer Response> ? ServerStreamHandler<Request, Response>
  : Method extends DefinedMethod<true, true, infer Request, infer Response> ? BidiStreamHandler<Request, Response>
  : never;

/** The methods that have names: generated interfaces let any other one in as well. */
type MethodsOf<Service> = { [Name in keyof Service as string extends Name ? never : Name]: Service[Name] };

/** Stands for a service of which no type is known. */
export interface UntypedService {
  readonly ' untyped'?: never;
}

// Without a type nothing is known of messages; with unknown instead, no handler of the user's could be written here.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type UntypedHandler = (input: any, call: AsyncCall) => unknown;

/**
 * The async handlers of a service.
 * @typeParam Service the interface of its plain handlers, as proto-loader-gen-types (`GreeterHandlers`), ts-proto and
 *   grpc_tools_node_protoc_ts (`GreeterServer`, `IGreeterServer`) write it; or the type of its definition
 *   (`typeof GreeterService`), when `requestStream` and `responseStream` are `true` or `false` in it
 */
export type AsyncHandlers<Service = UntypedService> = [Service] extends [UntypedService]
  ? [UntypedService] extends [Service] ? Readonly<Record<string, UntypedHandler>> : TypedHandlers<Service>
  : TypedHandlers<Service>;

type TypedHandlers<Service> = { readonly [Name in keyof MethodsOf<Service>]: AsyncHandler<MethodsOf<Service>[Name]> };

/** What `asyncHandlers` makes of them, for `server.addService`. */
export type PlainHandlers<Service> = [UntypedService] extends [Service]
  ? Record<string, UntypedHandleCall>
  : { [Name in keyof MethodsOf<Service>]: MethodsOf<Service>[Name] extends (...parameters: never[]) => unknown ? MethodsOf<Service>[Name] : UntypedHandleCall };
