import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Client, Metadata, type StatusObject } from '@grpc/grpc-js';
import type { MethodKind } from '#src/shared/service-info.js';
import { codeName } from './open-call.js';

/** Each key with its values; those of "-bin" keys in base64. */
export type Lists = readonly (readonly [key: string, values: readonly string[]])[];
export type Pairs = readonly (readonly [key: string, value: string])[];

/** What test/fixtures/servicers/scripted.js does: steps in order, then the end. */
export type Step =
  | readonly ['read', number | 'end']
  | readonly ['headers', Pairs]
  /** Bytes of a message. For calls with one answer the last one counts. */
  | readonly ['write', number]
  | readonly ['cancelled'];

/** One call, both sides of it. */
export interface Session {
  readonly kind: MethodKind;
  readonly metadata: Pairs;
  /** Bytes of each message. */
  readonly send: readonly number[];
  readonly steps: readonly Step[];
  readonly end: { readonly code: number; readonly details: string; readonly trailers: Pairs };
  /** Gives up: at once, when the headers have come, or after that many messages. */
  readonly cancel?: 'at once' | 'headers' | number;
  readonly timeoutMs?: number;
  /** Reads a message each so many milliseconds. */
  readonly readPace?: number;
}

/** What both sides made of it. */
export interface Account {
  readonly code: string;
  readonly details: string;
  readonly headers: Lists | null;
  readonly trailers: Lists;
  /** Bytes of each message; and all of them hashed. */
  readonly sizes: readonly number[];
  readonly hash: string;
  /** By the servicer; null when the call may not have come to it. */
  readonly seen: unknown;
}

const METHODS: Readonly<Record<MethodKind, string>> = {
  unary: 'Unary', server_stream: 'ServerStream', client_stream: 'ClientStream', bidi_stream: 'BidiStream',
};
/** For those that are to end by themselves, in milliseconds. */
const PATIENCE = 120_000;

const keep = (bytes: Buffer): Buffer => bytes;
const pathOf = (name: string): string => `/script.v1.Script/${name}`;

/** Plays the session to its end. */
export async function play(client: Client, session: Session, key: string): Promise<Account> {
  const { cancel, kind, readPace, send, timeoutMs } = session;
  const metadata = toMetadata([...session.metadata, ['script-bin', Buffer.from(JSON.stringify({ key, steps: session.steps, end: session.end })).toString('base64')]]);
  // One function for all kinds: a call with one message or one answer is a stream of one.
  const call = client.makeBidiStreamRequest(pathOf(METHODS[kind]), keep, keep, metadata, { deadline: Date.now() + (timeoutMs ?? PATIENCE) });
  const sizes: number[] = [];
  const hash = createHash('sha1');
  const headers: Metadata[] = [];
  call.on('error', () => undefined);
  call.on('metadata', (received) => {
    headers.push(received);
    if (cancel === 'headers') call.cancel();
  });
  call.on('data', (message: Buffer) => {
    sizes.push(message.length);
    hash.update(`${message.length}:`).update(message);
    if (sizes.length === cancel) call.cancel();
    if (readPace === undefined) return;
    call.pause();
    setTimeout(() => call.resume(), readPace);
  });
  const ended = new Promise<StatusObject>((resolve) => call.on('status', resolve));
  const drained = new Promise((resolve) => call.on('end', resolve));
  for (const size of send) call.write(Buffer.alloc(size, 'q'));
  // In the same turn it would be grpc-js that leaves its stream open for ever (1.14).
  if (cancel === 'at once') setImmediate(() => call.cancel());
  else call.end();

  const { code, details, metadata: trailers } = await ended;
  await drained;
  return {
    code: codeName(code),
    // Which of the two ends sees first that the time is over, and says so, is a race.
    details: timeoutMs === undefined ? details : '',
    trailers: timeoutMs === undefined ? toPairs(trailers) : [],
    headers: headers[0] === undefined ? null : toPairs(headers[0]),
    sizes,
    hash: hash.digest('hex'),
    seen: cancel === 'at once' ? null : await ask(client, 'Seen', key),
  };
}

/** Bytes in use in the worker, after its garbage has been collected. */
export async function weigh(client: Client): Promise<number> {
  const bytes = await ask(client, 'Weigh', '');
  assert(typeof bytes === 'number');
  return bytes;
}

export interface Census {
  /** Timers, sockets and the like. */
  readonly resources: number;
  /** On `process`. */
  readonly listeners: number;
}

/** What the worker holds that is no memory. */
export async function census(client: Client): Promise<Census> {
  // The servicer says just that.
  return (await ask(client, 'Census', '')) as Census;
}

function ask(client: Client, name: string, text: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(pathOf(name), keep, keep, Buffer.from(text), { deadline: Date.now() + PATIENCE }, (error, answer) => {
      if (error !== null) reject(error);
      else resolve(JSON.parse(String(answer)));
    });
  });
}

function toMetadata(pairs: Pairs): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of pairs) metadata.add(key, key.endsWith('-bin') ? Buffer.from(value, 'base64') : value);
  return metadata;
}

function toPairs(metadata: Metadata): Lists {
  return Object.keys(metadata.getMap())
    .sort()
    .map((key) => [key, metadata.get(key).map((value) => (Buffer.isBuffer(value) ? value.toString('base64') : value))]);
}
