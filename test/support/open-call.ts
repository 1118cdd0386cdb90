import { Metadata, status, type CallOptions, type Client, type ClientUnaryCall, type StatusObject } from '@grpc/grpc-js';
import { CALL_TIMEOUT, type CallOrder, type Outcome } from './calls.js';

/** A grpc-js call that goes on: its first message, its end, and a way to cancel it. */
export interface OpenCall {
  /** The first message, or undefined when the call ended without one. */
  readonly first: Promise<Buffer | undefined>;
  readonly outcome: Promise<Outcome>;
  cancel(): void;
}

/** Begins the call that the order describes. */
export function openCall(client: Client, order: CallOrder): OpenCall {
  const messages: Buffer[] = [];
  let headers = new Metadata();
  let settleFirst!: (message: Buffer | undefined) => void;
  const first = new Promise<Buffer | undefined>((resolve) => (settleFirst = resolve));

  const call = begin(client, order, (message) => {
    messages.push(message);
    settleFirst(message);
    if (messages.length === order.cancelAfter) call.cancel();
  });
  // In the same turn it would be grpc-js that leaves its stream open for ever (1.14).
  if (order.cancelAfter === 0) setImmediate(() => call.cancel());
  // Streams emit an error besides their status; the status says it all.
  call.on('error', () => undefined);
  call.on('metadata', (received) => (headers = received));
  const status = new Promise<StatusObject>((resolve) => call.on('status', resolve));
  // A stream may hold messages back after the status is known, until they are read.
  const lastMessage: Promise<unknown> = order.kind === 'server_stream' || order.kind === 'bidi_stream' ? new Promise((resolve) => call.on('end', resolve)) : status;
  const outcome = Promise.all([status, lastMessage]).then(([{ code, details, metadata: trailers }]) => {
    settleFirst(undefined);
    return { code: codeName(code), details, headers: toPairs(headers), trailers: toPairs(trailers), messages };
  });
  return { first, outcome, cancel: () => call.cancel() };
}

/** "NOT_FOUND" for 5. */
export function codeName(code: number): string {
  return status[code] ?? String(code);
}

const keep = (bytes: Buffer): Buffer => bytes;

function begin(client: Client, order: CallOrder, take: (message: Buffer) => void): ClientUnaryCall {
  const { method, kind, send } = order;
  const [one = Buffer.alloc(0)] = send;
  const metadata = toMetadata(order.metadata);
  const options: CallOptions = { deadline: Date.now() + (order.timeoutMs ?? CALL_TIMEOUT) };
  const answer = (_: unknown, message?: Buffer): void => {
    if (message !== undefined) take(message);
  };
  switch (kind) {
    case 'unary':
      return client.makeUnaryRequest(method, keep, keep, one, metadata, options, answer);
    case 'server_stream':
      return client.makeServerStreamRequest(method, keep, keep, one, metadata, options).on('data', take);
    case 'client_stream': {
      const stream = client.makeClientStreamRequest(method, keep, keep, metadata, options, answer);
      for (const message of send) stream.write(message);
      if (order.cancelAfter !== 0) stream.end();
      return stream;
    }
    case 'bidi_stream': {
      const stream = client.makeBidiStreamRequest(method, keep, keep, metadata, options).on('data', take);
      let sent = 0;
      const sendNext = (): void => {
        const next = send[sent++];
        if (next !== undefined) stream.write(next);
        else if (order.cancelAfter !== 0) stream.end();
      };
      if (order.lockstep) stream.on('data', sendNext);
      const atOnce = order.lockstep ? 1 : send.length + 1;
      for (let count = 0; count < atOnce; count += 1) sendNext();
      return stream;
    }
  }
}

function toMetadata(pairs: CallOrder['metadata'] = []): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of pairs) metadata.add(key, key.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return metadata;
}

function toPairs(metadata: Metadata): Outcome['headers'] {
  const keys = Object.keys(metadata.getMap());
  return Object.fromEntries(
    keys.map((key) => [key, metadata.get(key).map((value) => (Buffer.isBuffer(value) ? value.toString('base64') : value))]),
  );
}
