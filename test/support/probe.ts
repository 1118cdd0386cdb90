import type { ClientOptions } from '@grpc/grpc-js';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import type { MethodKind } from '#src/shared/service-info.js';
import type { CallOrder, ClientTls, Load, Outcome, Peer } from './calls.js';
import { GrpcJsPeer } from './grpc-js-peer.js';
import type { OpenCall } from './open-call.js';
import { ROOT } from './paths.js';

interface Payload {
  readonly body: Buffer;
  readonly size: number;
}

interface StatusOrder {
  readonly code: number;
  readonly details: string;
  readonly after: number;
}

interface Order {
  readonly times: number;
  readonly size: number;
  readonly ms: number;
  readonly sizes: readonly number[];
}

interface Identity {
  readonly slot: number;
  readonly pid: number;
  readonly generation: number;
  readonly peer: string;
  readonly security: string;
  readonly cn: string;
}

/** Method -> [what is sent, what is answered]; the messages of test/fixtures/protos/probe.proto. */
interface Methods {
  'Probe/Echo': [Payload, Payload];
  'Probe/Repeat': [Order, Payload];
  'Probe/Collect': [Payload, { readonly count: number; readonly bytes: number }];
  'Probe/Converse': [Payload, Payload];
  'Probe/Reflect': [Payload, Payload];
  'Probe/Fail': [StatusOrder, Payload];
  'Probe/FailLater': [StatusOrder, Payload];
  'Probe/FailAmidst': [StatusOrder, Payload];
  'Probe/Sleep': [Order, Payload];
  'Probe/Block': [Order, Payload];
  'Probe/Hold': [{ readonly key: string }, Payload];
  'Probe/Observe': [{ readonly key: string }, { readonly cancelled: boolean; readonly draining: boolean }];
  'Probe/Identify': [Payload, Identity];
  'Misbehaviour/Answer': [{ readonly how: string }, Payload];
  'Misbehaviour/Stream': [{ readonly how: string }, Payload];
}

type MethodName = keyof Methods;
type Sent<Name extends MethodName> = Partial<Methods[Name][0]>;
type Answered<Name extends MethodName> = Methods[Name][1];
type CallOptions = Omit<CallOrder, 'method' | 'kind' | 'send'>;

const definitions = loadSync(`${ROOT}test/fixtures/protos/probe.proto`, { defaults: true });

function methodOf(name: MethodName): MethodDefinition<object, object> {
  const [service = '', method = ''] = name.split('/');
  const found = (definitions[`probe.v1.${service}`] as ServiceDefinition | undefined)?.[method];
  if (found === undefined) throw new Error(`probe.proto has no ${name}`);
  return found;
}

function kindOf({ requestStream, responseStream }: MethodDefinition<object, object>): MethodKind {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}

/** The order for a call of the test service. Several messages for calls that stream to the server. */
export function probeOrder<Name extends MethodName>(name: Name, send: Sent<Name> | readonly Sent<Name>[] = {}, options: CallOptions = {}): CallOrder {
  const method = methodOf(name);
  const messages = (Array.isArray(send) ? send : [send]) as readonly object[];
  return { method: method.path, kind: kindOf(method), send: messages.map(method.requestSerialize), ...options };
}

/** Calls the test service through any peer, with typed messages. */
export class Probe implements AsyncDisposable {
  readonly #through: Peer;

  constructor(through: Peer) {
    this.#through = through;
  }

  async call<Name extends MethodName>(name: Name, send?: Sent<Name> | readonly Sent<Name>[], options?: CallOptions): Promise<Outcome<Answered<Name>>> {
    const outcome = await this.#through.call(probeOrder(name, send, options));
    return decoded(name, outcome);
  }

  load<Name extends MethodName>(name: Name, send: Sent<Name> | readonly Sent<Name>[], inFlight: number, options?: CallOptions): Load {
    return this.#through.load(probeOrder(name, send, options), inFlight);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#through[Symbol.asyncDispose]();
  }
}

function decoded<Name extends MethodName>(name: Name, outcome: Outcome): Outcome<Answered<Name>> {
  const { responseDeserialize } = methodOf(name);
  return { ...outcome, messages: outcome.messages.map((message) => responseDeserialize(message) as Answered<Name>) };
}

/** A grpc-js client of the test service, which can also begin calls and leave them open. */
export class GrpcJsProbe extends Probe {
  readonly #peer: GrpcJsPeer;

  constructor(address: string, tls?: ClientTls, options?: ClientOptions) {
    const peer = new GrpcJsPeer(address, tls, options);
    super(peer);
    this.#peer = peer;
  }

  /** Begins a call; it ends by itself, at its deadline, or when it is cancelled. */
  open<Name extends MethodName>(name: Name, send?: Sent<Name>, options?: CallOptions): OpenCall {
    return this.#peer.open(probeOrder(name, send, options));
  }
}
