import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Peer } from './calls.js';
import type { Probe } from './probe.js';

const LIMIT = 4 * 2 ** 20;
/** What protobuf adds to a body of about 4 MiB: a tag, and a length of four bytes. */
const ENVELOPE = 5;

/** Those of gRPC's own tests. */
const SIZES = { sent: [27_182, 8, 1828, 45_904], answered: [31_415, 9, 2653, 58_979] };
const COMPRESSIONS = ['gzip', 'deflate'] as const;
const body = Buffer.from('a body, ünïcode and \0 zero bytes');

export type Case = (probe: Probe, peer: Peer) => Promise<void>;

/** Title -> case. Those that gRPC's own interoperability tests have begin with the name that they have there. */
export const CALL_CASES: Readonly<Record<string, Case>> = {
  async 'a unary call is answered with its message'(probe) {
    const { code, messages } = await probe.call('Probe/Echo', { body });
    assert.deepEqual({ code, bodies: messages.map((message) => message.body) }, { code: 'OK', bodies: [body] });
  },

  async 'empty_unary: an empty message is a message'(probe) {
    const { code, messages } = await probe.call('Probe/Echo');
    assert.deepEqual({ code, count: messages.length }, { code: 'OK', count: 1 });
  },

  async 'large_unary: large messages go both ways'(probe) {
    const { code, messages } = await probe.call('Probe/Echo', { body: Buffer.alloc(271_828), size: 314_159 });
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', [314_159]]);
  },

  async 'client_streaming: messages of all sizes get one answer'(probe) {
    const { code, messages } = await probe.call('Probe/Collect', SIZES.sent.map((size) => ({ body: Buffer.alloc(size) })));
    assert.deepEqual([code, messages.map(({ count, bytes }) => [count, bytes])], ['OK', [[4, 74_922]]]);
  },

  async 'server_streaming: one message gets answers of all sizes'(probe) {
    const { code, messages } = await probe.call('Probe/Repeat', { sizes: SIZES.answered });
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', SIZES.answered]);
  },

  async 'ping_pong: each message gets its answer before the next one is sent'(probe) {
    const sent = SIZES.sent.map((size, index) => ({ body: Buffer.alloc(size), size: SIZES.answered[index] ?? 0 }));
    const { code, messages } = await probe.call('Probe/Converse', sent, { lockstep: true });
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', SIZES.answered]);
  },

  async 'empty_stream: a conversation without a word ends well'(probe) {
    const { code, messages } = await probe.call('Probe/Converse', []);
    assert.deepEqual([code, messages], ['OK', []]);
  },

  async 'custom_metadata: headers and trailers of unary and bidirectional calls carry what the servicer gives them'(probe) {
    const metadata: [string, string][] = [
      ['echo-initial', 'test_initial_metadata_value'],
      ['echo-trailing-trailer-bin', Buffer.from([0xab, 0xab, 0xab]).toString('base64')],
    ];
    const outcomes = [await probe.call('Probe/Reflect', {}, { metadata }), await probe.call('Probe/Converse', [{ body }], { metadata })];
    for (const { code, headers, trailers } of outcomes) {
      assert.equal(code, 'OK');
      assert.deepEqual(headers['echo-initial'], ['test_initial_metadata_value']);
      assert.deepEqual(trailers['echo-trailing-trailer-bin'], ['q6ur']);
    }
  },

  async 'status_code_and_message: unary and bidirectional calls end as the servicer says'(probe) {
    const order = { code: status.UNKNOWN, details: 'test status message' };
    const outcomes = [await probe.call('Probe/Fail', order), await probe.call('Probe/FailAmidst', [order, order, order])];
    for (const { code, details } of outcomes) assert.deepEqual([code, details], ['UNKNOWN', order.details]);
  },

  async 'special_status_message: white space and any character of Unicode may be in a status'(probe) {
    const details = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
    const outcome = await probe.call('Probe/Fail', { code: status.UNKNOWN, details });
    assert.deepEqual([outcome.code, outcome.details], ['UNKNOWN', details]);
  },

  async 'cancel_after_begin: a call that is cancelled before its first message is cancelled'(probe) {
    const { code, messages } = await probe.call('Probe/Collect', [], { cancelAfter: 0 });
    assert.deepEqual([code, messages], ['CANCELLED', []]);
  },

  async 'a stream of answers arrives whole and in order'(probe) {
    const { code, messages } = await probe.call('Probe/Repeat', { times: 300, size: 1000 });
    assert.deepEqual({ code, count: messages.length }, { code: 'OK', count: 300 });
    assert(messages.every((message) => message.body.length === 1000));
  },

  async 'a stream of messages gets one answer'(probe) {
    const { code, messages } = await probe.call('Probe/Collect', Array.from({ length: 200 }, () => ({ body })));
    assert.equal(code, 'OK');
    assert.deepEqual(messages.map(({ count, bytes }) => [count, bytes]), [[200, 200 * body.length]]);
  },

  async 'a stream of no messages gets one answer too'(probe) {
    const { code, messages } = await probe.call('Probe/Collect', []);
    assert.deepEqual({ code, counts: messages.map(({ count }) => count) }, { code: 'OK', counts: [0] });
  },

  async 'both sides of a bidirectional call stream at once'(probe) {
    const sent = Array.from({ length: 50 }, (_, index) => ({ body: Buffer.from(`message ${index}`) }));
    const { code, messages } = await probe.call('Probe/Converse', sent);
    assert.deepEqual({ code, bodies: messages.map((message) => String(message.body)) }, { code: 'OK', bodies: sent.map((message) => String(message.body)) });
  },

  async 'both sides of a bidirectional call can take turns'(probe) {
    const sent = Array.from({ length: 20 }, (_, index) => ({ body: Buffer.from(`turn ${index}`) }));
    const { code, messages } = await probe.call('Probe/Converse', sent, { lockstep: true });
    assert.deepEqual({ code, bodies: messages.map((message) => String(message.body)) }, { code: 'OK', bodies: sent.map((message) => String(message.body)) });
  },

  async 'metadata goes both ways, as headers and as trailers, text and binary, repeated keys included'(probe) {
    const metadata: [string, string][] = [
      ['echo-text', 'one'],
      ['echo-text', 'two'],
      ['echo-raw-bin', Buffer.from([0, 255, 10]).toString('base64')],
      ['echo-a-trailer', 'at the end'],
      ['echo-a-trailer-bin', Buffer.from([7, 0, 128]).toString('base64')],
    ];
    const { code, headers, trailers } = await probe.call('Probe/Reflect', {}, { metadata });
    assert.equal(code, 'OK');
    // Repeated text keys may arrive joined: the two forms are one in HTTP.
    assert.equal(headers['echo-text']?.join(', '), 'one, two');
    assert.deepEqual(headers['echo-raw-bin'], ['AP8K']);
    assert.deepEqual(trailers['echo-a-trailer'], ['at the end']);
    assert.deepEqual(trailers['echo-a-trailer-bin'], ['BwCA']);
  },

  async 'an error carries its code, its details in any script, and its trailers'(probe) {
    const details = 'kein Guthaben – 残高不足 100%';
    const { code, messages, trailers, ...rest } = await probe.call('Probe/Fail', { code: status.FAILED_PRECONDITION, details });
    assert.deepEqual({ code, details: rest.details, count: messages.length }, { code: 'FAILED_PRECONDITION', details, count: 0 });
    assert.deepEqual([trailers.reason, trailers['reason-bin']], [['ordered'], ['AAH+/w==']]);
  },

  async 'an error after some messages does not take them back'(probe) {
    const { code, details, messages } = await probe.call('Probe/FailLater', { code: status.DATA_LOSS, details: 'torn', after: 3 });
    assert.deepEqual({ code, details, count: messages.length }, { code: 'DATA_LOSS', details: 'torn', count: 3 });
  },

  async 'timeout_on_sleeping_server: a deadline ends the call at the client and at the servicer'(probe) {
    const key = crypto.randomUUID();
    const { code } = await probe.call('Probe/Hold', { key }, { timeoutMs: 300 });
    assert.equal(code, 'DEADLINE_EXCEEDED');
    const { messages } = await probe.call('Probe/Observe', { key });
    assert.deepEqual(messages, [{ cancelled: true, draining: false }]);
  },

  async 'cancel_after_first_response: a call that is cancelled ends at the servicer too'(probe) {
    const key = crypto.randomUUID();
    const { code, messages } = await probe.call('Probe/Hold', { key }, { cancelAfter: 1 });
    assert.deepEqual({ code, count: messages.length }, { code: 'CANCELLED', count: 1 });
    assert.deepEqual((await probe.call('Probe/Observe', { key })).messages, [{ cancelled: true, draining: false }]);
  },

  async 'client_compressed_unary: compressed messages are read, in unary calls and in streams'(probe) {
    const large = { body: Buffer.alloc(100_000, 'z') };
    for (const compress of COMPRESSIONS) {
      const unary = await probe.call('Probe/Echo', large, { compress });
      assert.deepEqual([unary.code, unary.messages[0]?.body.length], ['OK', 100_000], compress);
      const stream = await probe.call('Probe/Collect', [large, large, large], { compress });
      assert.deepEqual([stream.code, stream.messages[0]?.bytes], ['OK', 300_000], compress);
    }
  },

  async 'a message of 4 MiB is taken, one byte more is not'(probe) {
    const fits = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT - ENVELOPE) }]);
    assert.deepEqual([fits.code, fits.messages[0]?.bytes], ['OK', LIMIT - ENVELOPE]);
    const over = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT - ENVELOPE + 1) }]);
    assert.equal(over.code, 'RESOURCE_EXHAUSTED');
  },

  async 'the limit counts what a compressed message unpacks to'(probe) {
    for (const compress of COMPRESSIONS) {
      const fits = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT - ENVELOPE) }], { compress });
      assert.deepEqual([fits.code, fits.messages[0]?.bytes], ['OK', LIMIT - ENVELOPE], compress);
      const { code } = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT) }], { compress });
      assert.equal(code, 'RESOURCE_EXHAUSTED', compress);
      const unary = await probe.call('Probe/Echo', { body: Buffer.alloc(LIMIT) }, { compress });
      assert.equal(unary.code, 'RESOURCE_EXHAUSTED', compress);
    }
  },

  async 'answers may be larger than 4 MiB'(probe) {
    const { code, messages } = await probe.call('Probe/Repeat', { times: 2, size: LIMIT + 1 });
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', [LIMIT + 1, LIMIT + 1]]);
  },

  async 'unimplemented_method: a method that no servicer has is UNIMPLEMENTED'(_, peer) {
    const { code } = await peer.call({ method: '/probe.v1.Probe/Nothing', kind: 'unary', send: [Buffer.alloc(0)] });
    assert.equal(code, 'UNIMPLEMENTED');
  },

  async 'unimplemented_service: a service that nobody has is UNIMPLEMENTED'(_, peer) {
    for (const kind of ['unary', 'server_stream', 'client_stream', 'bidi_stream'] as const) {
      const { code, messages } = await peer.call({ method: '/probe.v1.Nobody/Nothing', kind, send: [Buffer.alloc(0)] });
      assert.deepEqual([code, messages], ['UNIMPLEMENTED', []], kind);
    }
  },

  async 'the health service answers SERVING'(_, peer) {
    const { code, messages } = await peer.call({ method: '/grpc.health.v1.Health/Check', kind: 'unary', send: [Buffer.alloc(0)] });
    assert.deepEqual([code, messages[0]?.toString('hex')], ['OK', '0801']);
  },

  async 'the servicer sees the address of the client'(probe) {
    const { messages } = await probe.call('Probe/Identify');
    assert.match(messages[0]?.peer ?? '', /^127\.0\.0\.1:\d+$/);
  },
};
