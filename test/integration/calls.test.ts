// The same calls from every kind of client: what a servicer and its clients see is plain gRPC.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import type { Peer } from '../support/calls.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { PEERS } from '../support/peers.js';
import { Probe } from '../support/probe.js';

const LIMIT = 4 * 2 ** 20;
/** What protobuf adds to a body of about 4 MiB: a tag, and a length of four bytes. */
const ENVELOPE = 5;

const body = Buffer.from('a body, ünïcode and \0 zero bytes');

type Case = (probe: Probe, peer: Peer) => Promise<void>;

const CASES: Record<string, Case> = {
  async 'a unary call is answered with its message'(probe) {
    const { code, messages } = await probe.call('Probe/Echo', { body });
    assert.deepEqual({ code, bodies: messages.map((message) => message.body) }, { code: 'OK', bodies: [body] });
  },

  async 'an empty message is a message'(probe) {
    const { code, messages } = await probe.call('Probe/Echo');
    assert.deepEqual({ code, count: messages.length }, { code: 'OK', count: 1 });
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

  async 'a stream without messages gets an answer too'(probe) {
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

  async 'a deadline ends the call at the client and at the servicer'(probe) {
    const key = crypto.randomUUID();
    const { code } = await probe.call('Probe/Hold', { key }, { timeoutMs: 300 });
    assert.equal(code, 'DEADLINE_EXCEEDED');
    const { messages } = await probe.call('Probe/Observe', { key });
    assert.deepEqual(messages, [{ cancelled: true, draining: false }]);
  },

  async 'a call that is cancelled ends at the servicer too'(probe) {
    const key = crypto.randomUUID();
    const { code, messages } = await probe.call('Probe/Hold', { key }, { cancelAfter: 1 });
    assert.deepEqual({ code, count: messages.length }, { code: 'CANCELLED', count: 1 });
    assert.deepEqual((await probe.call('Probe/Observe', { key })).messages, [{ cancelled: true, draining: false }]);
  },

  async 'compressed messages are read, in unary calls and in streams'(probe) {
    const large = { body: Buffer.alloc(100_000, 'z') };
    const unary = await probe.call('Probe/Echo', large, { gzip: true });
    assert.deepEqual([unary.code, unary.messages[0]?.body.length], ['OK', 100_000]);
    const stream = await probe.call('Probe/Collect', [large, large, large], { gzip: true });
    assert.deepEqual([stream.code, stream.messages[0]?.bytes], ['OK', 300_000]);
  },

  async 'a message of 4 MiB is taken, one byte more is not'(probe) {
    const fits = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT - ENVELOPE) }]);
    assert.deepEqual([fits.code, fits.messages[0]?.bytes], ['OK', LIMIT - ENVELOPE]);
    const over = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT - ENVELOPE + 1) }]);
    assert.equal(over.code, 'RESOURCE_EXHAUSTED');
  },

  async 'the limit counts what a compressed message unpacks to'(probe) {
    const { code } = await probe.call('Probe/Collect', [{ body: Buffer.alloc(LIMIT) }], { gzip: true });
    assert.equal(code, 'RESOURCE_EXHAUSTED');
  },

  async 'answers may be larger than 4 MiB'(probe) {
    const { code, messages } = await probe.call('Probe/Repeat', { times: 2, size: LIMIT + 1 });
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', [LIMIT + 1, LIMIT + 1]]);
  },

  async 'a method that no servicer has is UNIMPLEMENTED'(_, peer) {
    const { code } = await peer.call({ method: '/probe.v1.Probe/Nothing', kind: 'unary', send: [Buffer.alloc(0)] });
    assert.equal(code, 'UNIMPLEMENTED');
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

let daemon: Daemon;

before(async () => {
  daemon = await startDaemon({ deadline: 120_000 });
});
after(() => daemon[Symbol.asyncDispose]());

for (const kind of PEERS) {
  describe(`a ${kind.name} client`, { skip: kind.skip }, () => {
    let peer: Peer;
    before(() => {
      peer = kind.connect(daemon.address);
    });
    after(() => peer[Symbol.asyncDispose]());

    for (const [title, run] of Object.entries(CASES)) {
      test(title, () => daemon.until(run(new Probe(peer), peer), title));
    }
  });
}
