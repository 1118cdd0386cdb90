import { status } from '@grpc/grpc-js';
import type { MethodKind } from '#src/shared/service-info.js';
import type { Pairs, Session, Step } from './sessions.js';

const KINDS: readonly MethodKind[] = ['unary', 'server_stream', 'client_stream', 'bidi_stream'];
/** Around what changes the number of frames, of pieces, and of the bytes of a length. */
const SIZES = [0, 0, 1, 5, 100, 1000, 1016, 1019, 4096, 16_379, 16_380, 16_384, 16_385, 30_000, 65_530, 65_535, 65_536, 100_000, 300_000];
const VALUES = [
  '', 'one', 'with, commas, in, it', 'a,b', ',', 'with  two spaces inside', 'a=b; c="d"', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', '0', '%41%', 'x'.repeat(300), 'long '.repeat(500).trim(),
];
const BINARY = ['', 'AA==', 'AAEC/v8=', Buffer.alloc(1000, 0xfe).toString('base64'), Buffer.from('a,b').toString('base64')];
const DETAILS = ['', 'plain', 'kein Guthaben – 残高不足 100%', '\t\nwhite space\r\n ☺ 😈', '%', 'd'.repeat(1500), ' at both ends '];
/** All of status but OK. */
const CODES = Array.from({ length: status.UNAUTHENTICATED }, (_, index) => index + 1);
/** Longer than it takes to answer; those calls end by it and by nothing else. */
const DEADLINE = 1500;

/**
 * Sessions whose outcome does not depend on time: nothing races, for a servicer that is to be cancelled or to run
 * into its deadline waits for that, with nothing on its way.
 * @param random in 0..1
 */
export function generateSession(random: () => number): Session {
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const many = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);
  const pairs = (prefix: string): Pairs =>
    many(4, () => (random() < 0.3 ? ([`${prefix}${below(3)}-bin`, one(BINARY)] as const) : ([`${prefix}${below(3)}`, one(VALUES)] as const)));

  const kind = one(KINDS);
  const streamsIn = kind === 'client_stream' || kind === 'bidi_stream';
  const streamsOut = kind === 'server_stream' || kind === 'bidi_stream';
  const send = streamsIn ? many(8, () => one(SIZES)) : [one(SIZES)];
  const answers = streamsOut ? many(8, () => one(SIZES)) : [one(SIZES)];
  const headers: Step[] = random() < 0.6 ? [['headers', pairs('h')]] : [];
  const reads: Step[] = streamsIn ? [['read', 'end']] : [];
  const writes = answers.map((size): Step => ['write', size]);
  const fine = { code: 0, details: '', trailers: pairs('t') };
  const failed = { code: one(CODES), details: one(DETAILS), trailers: pairs('t') };
  const base = { kind, metadata: pairs('m'), send };
  const pace = random() < 0.15 ? { readPace: 2 } : {};

  switch (one(['answer', 'answer', 'converse', 'fail', 'fail amidst', 'fail early', 'cancel', 'deadline'] as const)) {
    case 'answer':
      return { ...base, ...pace, steps: [...headers, ...reads, ...writes], end: fine };
    case 'converse': {
      // An answer to each message, as far as there are both.
      const turns = streamsOut ? writes.flatMap((write, index): Step[] => [['read', index + 1], write]) : [...reads, ...writes];
      return { ...base, ...pace, steps: [...headers, ...turns], end: fine };
    }
    case 'fail':
      return { ...base, steps: [...headers, ...reads], end: failed };
    case 'fail amidst':
      return { ...base, ...pace, steps: [...headers, ...reads, ...(streamsOut ? writes : [])], end: failed };
    case 'fail early':
      // Before the client has sent all of it.
      return { ...base, send: streamsIn ? [...send, ...Array.from({ length: 20 }, () => 50_000)] : send, steps: [...headers, ['read', below(3)]], end: failed };
    case 'cancel': {
      const last: Step = ['cancelled'];
      if (random() < 0.2) return { ...base, steps: [...reads, last], end: fine, cancel: 'at once' };
      if (!streamsOut || answers.length === 0 || random() < 0.3) return { ...base, steps: [['headers', pairs('h')], last], end: fine, cancel: 'headers' };
      return { ...base, steps: [...headers, ...writes, last], end: fine, cancel: answers.length };
    }
    case 'deadline':
      return { ...base, steps: [...headers, ...(streamsOut ? writes : []), ['cancelled']], end: fine, timeoutMs: DEADLINE };
  }
}
