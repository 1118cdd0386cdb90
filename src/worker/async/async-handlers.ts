/** Runs in workers and in users' tests: async functions and generators as handlers of grpc-js. */
import type { Duplex, Readable } from 'node:stream';
import { setImmediate as immediate } from 'node:timers/promises';
import type { sendUnaryData, ServerDuplexStream, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import { HandledCall, type PlainCall } from './async-call.js';
import type { AsyncHandlers, PlainHandlers, UntypedService } from './handler-types.js';

type Run = (input: unknown, call: HandledCall) => unknown;
type Callback = sendUnaryData<unknown>;
type Answering = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;

/**
 * Makes handlers of grpc-js from async functions and async generators:
 *
 * - unary: `async (request, call) => response`
 * - client streaming: `async (requests, call) => response`, where `requests` is an AsyncIterable
 * - server streaming: `async function* (request, call)`
 * - bidirectional: `async function* (requests, call)`
 *
 * Messages are asked for and written only as fast as the other side takes them. When the call ends before the handler
 * does, `call.signal` aborts and a generator is returned from (its `finally` runs). An `RpcError`, or another object
 * with a status as `code`, is the status of the call; anything else that is thrown is logged, and INTERNAL.
 *
 * Plain handlers go beside them: `server.addService(definition, { ...asyncHandlers({ ... }), plain(call, callback) {} })`.
 *
 * @typeParam Service see {@link AsyncHandlers}
 * @param handlers an object of functions, or an instance of a class with such methods; `this` is that object
 * @throws TypeError when one of them is no function
 */
export function asyncHandlers<Service = UntypedService>(handlers: AsyncHandlers<NoInfer<Service>>): PlainHandlers<Service> {
  const plain: Record<string, UntypedHandleCall> = {};
  for (const [name, handler, isOwn] of functionsOf(handlers)) {
    if (typeof handler !== 'function') throw new TypeError(`asyncHandlers: ${name} must be a function; it is ${typeof handler}.`);
    const run: Run = (input, call) => Reflect.apply(handler, handlers, [input, call]) as unknown;
    // Methods of a class stay as hidden as they were: they may be helpers, which no service has.
    Object.defineProperty(plain, name, { value: plainHandler(run), enumerable: isOwn, writable: true, configurable: true });
  }
  // Made name by name, which no type can follow.
  return plain as PlainHandlers<Service>;
}

function* functionsOf(handlers: object): Iterable<[name: string, handler: unknown, isOwn: boolean]> {
  for (const [name, handler] of Object.entries(handlers)) yield [name, handler, true];
  const seen = new Set(Object.keys(handlers));
  for (let proto = prototypeOf(handlers); prototypeOf(proto) !== null; proto = prototypeOf(proto)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto))) {
      if (name === 'constructor' || typeof value !== 'function' || seen.has(name)) continue;
      seen.add(name);
      yield [name, value, false];
    }
  }
}

const prototypeOf = (value: object | null): object | null => (value === null ? null : (Object.getPrototypeOf(value) as object | null));

/** The kind of a call is told by what grpc-js gives: a callback if one message is to be answered, `request` if one came. */
function plainHandler(run: Run): UntypedHandleCall {
  const handle = (call: PlainCall, callback?: Callback): Promise<void> => {
    const handled = new HandledCall(call);
    const input = 'request' in call ? call.request : requestsOf(call, handled);
    return callback === undefined ? stream(run, input, call as Answering, handled) : answer(run, input, callback, handled);
  };
  // grpc-js's one type for the four kinds fits none of them.
  return handle as UntypedHandleCall;
}

/** Turns of the event loop in which a reset becomes known after the end; it took one or two in every case seen. */
const TURNS = 4;

/**
 * What the client sends. A loop that is left early does not destroy the stream, for the answer goes through it as well.
 * node:http2 ends a stream that was reset as if all had come, and says so a moment later: a cut upload must not pass
 * for a whole one, so the end waits for that moment.
 */
function requestsOf(call: Readable | Duplex, handled: HandledCall): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const requests = call.iterator({ destroyOnReturn: false });
      return {
        async next() {
          const next = await requests.next();
          if (next.done === true) {
            for (let turn = 0; turn < TURNS && !handled.isLost; turn += 1) await immediate();
            handled.signal.throwIfAborted();
          }
          return next;
        },
        async return() {
          await requests.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function answer(run: Run, input: unknown, callback: Callback, call: HandledCall): Promise<void> {
  let message: unknown;
  try {
    message = await run(input, call);
    checkMessage(message);
  } catch (error) {
    const trailer = call.answered(error);
    // grpc-js types what an error should be; the guard makes a status of anything.
    callback((error ?? new Error(`The handler threw ${String(error)}.`)), null, trailer);
    return;
  }
  callback(null, message, call.answered());
}

function checkMessage(message: unknown): void {
  if (message === undefined || message === null) throw new TypeError(`The handler returned ${String(message)} instead of a message.`);
  if (typeof message === 'object' && Symbol.asyncIterator in message) {
    throw new TypeError('The handler is a generator, but its method answers with one message: write async (…) => message.');
  }
}

async function stream(run: Run, input: unknown, out: Answering, call: HandledCall): Promise<void> {
  try {
    const messages = iterate(await run(input, call));
    await writeAll(messages, out, call);
    if (!call.isLost) out.end(call.answered());
  } catch (error) {
    const trailer = call.answered(error);
    out.emit('error', trailer === undefined ? error : withTrailer(error, trailer));
  }
}

async function writeAll(messages: AsyncIterator<unknown> | Iterator<unknown>, out: Answering, call: HandledCall): Promise<void> {
  let returned: Promise<unknown> | undefined;
  // While a generator is busy this waits in its queue: `finally` runs at its next yield.
  call.whenLost(() => {
    returned = giveBack(messages);
  });
  while (!call.isLost) {
    const next = await messages.next();
    if (next.done === true || isLost(call)) break;
    if (!out.write(next.value)) await roomIn(out, call);
  }
  await returned;
}

/** Asked anew: it may have been lost while a message was waited for, which no compiler can see. */
const isLost = (call: HandledCall): boolean => call.isLost;

/** As a promise, which an iterator's `return` need not give; never rejected before somebody waits for it. */
function giveBack(messages: AsyncIterator<unknown> | Iterator<unknown>): Promise<unknown> {
  const returned = (async () => messages.return?.(undefined))();
  returned.catch(() => undefined);
  return returned;
}

/** Resolves when the client has taken what was written, or never will. */
function roomIn(out: Answering, call: HandledCall): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      out.off('drain', go);
      out.off('close', go);
      resolve();
    };
    if (call.isLost || out.destroyed) {
      resolve();
      return;
    }
    out.on('drain', go);
    out.on('close', go);
  });
}

function iterate(messages: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  const iterable = messages as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  const iterator = iterable?.[Symbol.asyncIterator]?.() ?? (typeof messages === 'string' ? undefined : iterable?.[Symbol.iterator]?.());
  if (iterator !== undefined) return iterator;
  throw new TypeError(`The handler of a method that streams its answer must be an async generator (async function*); it returned ${typeof messages}.`);
}

/** The same status with more trailers; an error that is none stays as it is, for the log. */
function withTrailer(error: unknown, trailer: unknown): unknown {
  const { code, details, message } = error as { code?: unknown; details?: unknown; message?: unknown };
  if (typeof code !== 'number') return error;
  return Object.assign(new Error(typeof message === 'string' ? message : '', { cause: error }), { code, details, metadata: trailer });
}
