// No call ever sees another call's header, whatever its client makes of our HEADER_TABLE_SIZE: it may obey, ignore it,
// or send before it knows. Every call carries values of its own, and the servicer sends them back.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { FLAG, FRAME } from '#src/http2/constants.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { IndexingEncoder } from '../support/indexing-encoder.js';
import { goProgram, PEERS, skipUnless } from '../support/peers.js';
import { RawClient } from '../support/raw-client.js';
import { callUniquely, findForeignHeader, makeUniqueCalls, uniqueHeaders } from '../support/unique-calls.js';

const CALLS = process.env.PROVE === undefined ? 2000 : 50_000;
const IN_FLIGHT = 50;
const PATH = '/probe.v1.Probe/Reflect';
/** A message without a byte. */
const MESSAGE = Buffer.alloc(5);

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

for (const security of ['plain', 'tls'] as const) {
  describe(`every call sees its own headers, ${security}`, () => {
    let daemon: Daemon;
    before(async () => {
      daemon = await startDaemon({ config: { transport: 'lean', ...(security === 'tls' ? certificates.tls : {}) }, deadline: CALLS * 100 });
    });
    after(() => daemon[Symbol.asyncDispose]());

    for (const kind of PEERS) {
      test(`from ${kind.name}`, { skip: kind.skip }, async () => {
        await using peer = kind.connect(daemon.address, security === 'tls' ? certificates.clientTls() : undefined);
        const wrong = await daemon.until(makeUniqueCalls(CALLS, IN_FLIGHT, (n) => callUniquely(peer, n)), 'the calls');
        assert.deepEqual(wrong, []);
      });
    }

    for (const headerTableSize of [0, 4096, 65_536]) {
      test(`from node:http2 with a table of ${headerTableSize} bytes for our headers`, async () => {
        const scheme = security === 'tls' ? 'https' : 'http';
        const session = http2.connect(`${scheme}://${daemon.address}`, { settings: { headerTableSize }, ca: readFileSync(certificates.ca) });
        const wrong = await daemon.until(makeUniqueCalls(CALLS, IN_FLIGHT, (n) => callOver(session, n)), 'the calls');
        assert.deepEqual(wrong, []);
        session.close();
        await once(session, 'close');
      });
    }

    test(`from Go without gRPC, ${security === 'tls' ? 'whose table nobody can empty' : 'which obeys'}`, { skip: skipUnless('go-grpc') }, async () => {
      const args = [daemon.address, String(CALLS), String(IN_FLIGHT), ...(security === 'tls' ? [certificates.ca] : [])];
      const { stdout } = await daemon.until(promisify(execFile)(goProgram('indexing'), args), 'the calls');
      assert.deepEqual(JSON.parse(stdout), { calls: CALLS, wrong: [] });
    });
  });
}

test('every call of a client that indexes everything for ever sees its own headers', async () => {
  await using daemon = await startDaemon({ config: { transport: 'lean' }, deadline: CALLS * 100 });
  using client = await RawClient.connect(daemon.port);
  client.greet({ INITIAL_WINDOW_SIZE: 1_000_000 });
  const encoder = new IndexingEncoder();
  // Some calls at a time, so that several are open when their headers refer to those of others.
  for (let first = 0; first < CALLS; first += IN_FLIGHT) {
    for (let n = first; n < first + IN_FLIGHT; n += 1) {
      const block = encoder.encode([[':method', 'POST'], [':scheme', 'http'], [':path', PATH], [':authority', 'test'], ['content-type', 'application/grpc'], ['te', 'trailers'], ...uniqueHeaders(n)]);
      client.frame(FRAME.HEADERS, FLAG.END_HEADERS, 2 * n + 1, block);
      client.data(2 * n + 1, MESSAGE, true);
    }
    const last = 2 * (first + IN_FLIGHT) - 1;
    await client.next(({ type, id, flags }) => type === 'HEADERS' && id === last && (flags & FLAG.END_STREAM) !== 0);
    await client.settle();
    for (const [n, fields] of answersOf(client)) assert.equal(findForeignHeader(n, fields.get('grpc-status') ?? 'none', fields), null);
    client.received.length = 0;
  }
  // The table has been of use, or this test would be of none.
  assert(encoder.references > CALLS, String(encoder.references));
});

/** Number of the call -> headers and trailers of its answer. */
function answersOf(client: RawClient): Map<number, Map<string, string>> {
  const answers = new Map<number, Map<string, string>>();
  for (const { type, id, payload } of client.received) {
    if (type !== 'HEADERS') continue;
    const n = (id - 1) / 2;
    answers.set(n, new Map([...(answers.get(n) ?? []), ...client.decode(payload)]));
  }
  assert.equal(answers.size, IN_FLIGHT);
  return answers;
}

function callOver(session: http2.ClientHttp2Session, n: number): Promise<string | null> {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers', ...Object.fromEntries(uniqueHeaders(n)) });
    const headers = new Map<string, string>();
    const note = (fields: http2.IncomingHttpHeaders): void => {
      for (const [name, value] of Object.entries(fields)) headers.set(name, String(value));
    };
    stream.on('response', note).on('trailers', note).resume();
    stream.on('error', (error: Error) => resolve(`call ${n}: ${error.message}`));
    stream.on('close', () => resolve(findForeignHeader(n, headers.get('grpc-status') ?? 'none', headers)));
    stream.end(MESSAGE);
  });
}
