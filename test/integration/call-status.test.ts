import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { findMetadataFault } from '#src/worker/calls/metadata-check.js';
import { invoke, startRig, type Kind, type LooseHandler } from '../support/call-rig.js';

const { OK, UNKNOWN, INTERNAL, NOT_FOUND } = grpc.status;

/** What a client got, and what was reported, when the handler answered like this. */
async function answerOf(handler: LooseHandler, kind: Kind = 'unary', user: grpc.ServerInterceptor[] = []) {
  const rig = await startRig({ handlers: { [kind]: handler }, parts: () => ({ user }) });
  const outcome = await invoke(rig.client, kind);
  // The connection must have survived, too.
  const next = await invoke(rig.client, kind);
  rig.close();
  assert.equal(next.code, outcome.code);
  return { ...outcome, reports: rig.faults.slice(0, rig.faults.length / 2).map(({ error }) => error) };
}

const metadataOf = (entries: Readonly<Record<string, string>>): grpc.Metadata => {
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries(entries)) metadata.add(key, value);
  return metadata;
};

describe('details', { timeout: 60_000 }, () => {
  const detailsOf = async (details: string): Promise<string> => {
    // In a timer, where nobody could catch what grpc-js throws.
    const answer = await answerOf((_call, callback) => void setTimeout(() => callback({ code: NOT_FOUND, details }), 1));
    assert.equal(answer.code, NOT_FOUND);
    return answer.details;
  };

  test('with a lone surrogate get the replacement character for it', async () => {
    assert.equal(await detailsOf('a\ud800b'), 'a\ufffdb');
    assert.equal(await detailsOf('whole \u{1f600}'), 'whole \u{1f600}');
  });

  test('of 80 KiB are cut at 2 KiB, and say so', async () => {
    const details = await detailsOf('x'.repeat(80 * 1024));
    assert.equal(Buffer.byteLength(details), 2048);
    assert.ok(details.endsWith('xx…'));
  });

  test('are cut between two characters', async () => {
    for (const character of ['é', '€', '\u{1f600}']) {
      for (const shift of ['', 'x', 'xx', 'xxx']) {
        const details = await detailsOf(shift + character.repeat(3000));
        assert.ok(Buffer.byteLength(details) <= 2048);
        assert.match(details, new RegExp(`^${shift}(?:${character})+…$`, 'u'));
      }
    }
  });

  test('of exactly 2 KiB stay whole', async () => {
    const whole = 'x'.repeat(2048);
    assert.equal(await detailsOf(whole), whole);
  });
});

describe('trailers', { timeout: 60_000 }, () => {
  for (const kind of ['unary', 'serverStream'] as const) {
    const answerWith = (trailers: unknown): LooseHandler =>
      kind === 'unary'
        ? (_call, callback) => void setTimeout(() => callback(null, 1, trailers), 1)
        : (call) => { call.write(1); setTimeout(() => call.end(trailers), 1); };

    for (const [what, trailers, report] of [
      ['are no Metadata', { a: '1' }, /not a Metadata/],
      ['cannot be turned into headers', { clone: () => { throw new Error('odd'); }, toHttp2Headers: () => ({}) }, /cannot be turned into headers \(Error: odd\)/],
      ['hold a number', { clone() { return this; }, toHttp2Headers: () => ({ n: 1 }) }, /"n" is no text/],
      ['belong to one connection', metadataOf({ connection: 'close' }), /"connection" is not for applications/],
      ['would replace the status', metadataOf({ 'grpc-status': '0' }), /"grpc-status" is not for applications/],
      ['are larger than HTTP/2 can send', metadataOf({ large: 'x'.repeat(80_000) }), /takes 80037 bytes/],
    ] as const) {
      test(`of a ${kind} call that ${what} are left out, with a report`, async () => {
        const answer = await answerOf(answerWith(trailers), kind);
        assert.deepEqual([answer.code, answer.messages], [OK, [1]]);
        assert.deepEqual(Object.keys(answer.trailers.getMap()).filter((key) => key !== 'date'), []);
        assert.match(answer.reports.join(), report);
      });
    }

    test(`of a ${kind} call arrive as they were set`, async () => {
      const trailers = metadataOf({ note: 'first' });
      trailers.add('note', 'second');
      trailers.add('proof-bin', Buffer.from([0, 255]));
      const answer = await answerOf(answerWith(trailers), kind);
      assert.deepEqual(answer.reports, []);
      assert.deepEqual(answer.trailers.get('note'), ['first, second']);
      assert.deepEqual(answer.trailers.get('proof-bin'), [Buffer.from([0, 255])]);
    });

    test(`of a ${kind} call may be large, for clients that take them`, async () => {
      const answer = await answerOf(answerWith(metadataOf({ large: 'x'.repeat(40_000) })), kind);
      assert.equal(String(answer.trailers.get('large')[0]).length, 40_000);
    });
  }

  test('of an error are kept', async () => {
    const answer = await answerOf((_call, callback) =>
      callback({ code: NOT_FOUND, details: 'none', metadata: metadataOf({ hint: 'look elsewhere' }) }));
    assert.deepEqual([answer.code, answer.trailers.get('hint')], [NOT_FOUND, ['look elsewhere']]);
  });
});

describe('metadata at the start', { timeout: 60_000 }, () => {
  for (const metadata of [{ a: 1 }, metadataOf({ connection: 'close' }), metadataOf({ large: 'x'.repeat(80_000) })]) {
    test(`that cannot be sent ends the call with INTERNAL (${Object.keys('getMap' in metadata ? metadata.getMap() : metadata).join()})`, async () => {
      const answer = await answerOf((call, callback) => {
        call.sendMetadata(metadata);
        callback(null, 1);
      });
      assert.deepEqual([answer.code, answer.details], [INTERNAL, 'Internal error']);
      assert.match(answer.reports.join(), /^The metadata cannot be sent:/);
    });
  }
});

test('no metadata at all is sent as such', async () => {
  const answer = await answerOf((call, callback) => {
    call.sendMetadata(null);
    callback(null, 1);
  });
  assert.deepEqual([answer.code, answer.reports], [OK, []]);
});

describe('a status that an interceptor made', { timeout: 60_000 }, () => {
  const answerThrough = (made: unknown) => {
    const interceptor: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, { sendStatus: (_status, next) => next(made as grpc.StatusObject) });
    return answerOf((_call, callback) => callback({ code: NOT_FOUND, details: 'none' }), 'unary', [interceptor]);
  };

  for (const [what, made, code, report] of [
    ['of code 99 is UNKNOWN', { code: 99, details: '' }, UNKNOWN, /^99 is no status code/],
    ['of code -1 is UNKNOWN', { code: -1, details: '' }, UNKNOWN, /^-1 is no status code/],
    ['without a code is INTERNAL', { details: '' }, INTERNAL, /^undefined is no status code/],
    ['with text for a code is INTERNAL', { code: 'NOT_FOUND', details: '' }, INTERNAL, /^NOT_FOUND is no status code/],
    ['that is no object is INTERNAL', 5, INTERNAL, /was given 5 instead of a status/],
    ['of OK without a message is INTERNAL', { code: OK, details: 'OK' }, INTERNAL, /OK but without a message/],
  ] as const) {
    test(what, async () => {
      const answer = await answerThrough(made);
      assert.equal(answer.code, code);
      assert.match(answer.reports.join(), report);
    });
  }

  test('keeps its code when its details are no text', async () => {
    const answer = await answerThrough({ code: NOT_FOUND, details: { a: 1 } });
    assert.deepEqual([answer.code, answer.details], [NOT_FOUND, '']);
  });
});

describe('the metadata check', { timeout: 60_000 }, () => {
  test('finds what node:http2 throws at, for every header name that node knows', async () => {
    const names = Object.entries(http2.constants)
      .filter(([constant, name]) => constant.startsWith('HTTP2_HEADER_') && !String(name).startsWith(':'))
      .map(([, name]) => String(name));
    assert.ok(names.length > 60);
    const thrown = await headersThatThrow(names.flatMap((name) => [{ [name]: 'x' }, { [name]: ['x', 'x'] }]));
    for (const [name, value] of thrown.throws) {
      assert.notEqual(findMetadataFault(duck(name, value)), null, `${name} ${String(value)} throws`);
    }
    for (const [name, value] of thrown.passes) {
      // A "te" of "trailers" passes node, but is the transport's to say.
      if (name !== 'te') assert.equal(findMetadataFault(duck(name, value)), null, `${name} ${String(value)} passes`);
    }
    assert.ok(thrown.throws.length > 40 && thrown.passes.length > 40);
  });
});

type Field = readonly [name: string, value: string | string[]];

/** The methods of a Metadata, of whichever copy of grpc-js. */
const duck = (...[name, value]: Field) => ({ clone() { return this; }, toHttp2Headers: () => ({ [name]: value }) });

async function headersThatThrow(candidates: readonly Record<string, string | string[]>[]) {
  const throws: Field[] = [];
  const passes: Field[] = [];
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    const candidate = candidates[Number(headers.index)] ?? {};
    const field = Object.entries(candidate)[0];
    assert.ok(field !== undefined);
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => {
      try {
        stream.sendTrailers(candidate);
        passes.push(field);
      } catch {
        throws.push(field);
        stream.close();
      }
    });
    stream.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await Promise.all(candidates.map(async (_candidate, index) => {
    const stream = session.request({ index });
    // What the client makes of odd trailers does not matter here.
    stream.on('error', () => undefined);
    stream.resume();
    await new Promise((resolve) => stream.once('close', resolve));
  }));
  session.close();
  server.close();
  return { throws, passes };
}
