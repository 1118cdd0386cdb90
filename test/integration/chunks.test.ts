// However the bytes of a connection are cut on their way, they mean the same.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { FLAG } from '#src/http2/constants.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { DelayProxy } from '../support/delay-proxy.js';
import { PEERS, type PeerKind } from '../support/peers.js';
import { Probe } from '../support/probe.js';
import { randomFrom } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';

const SEEDS = process.env.PROVE === undefined ? 10 : 500;

let daemon: Daemon;
before(async () => {
  daemon = await startDaemon({ config: { transport: 'lean', keepalive: { minClientInterval: 'off' } }, deadline: SEEDS * 10_000 });
});
after(() => daemon[Symbol.asyncDispose]());

/** What a client of that kind sends for calls of every sort: on one connection, one after another. */
async function record(kind: PeerKind): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await using proxy = await DelayProxy.start(daemon.port, 0, (chunk) => chunks.push(chunk));
  await using probe = new Probe(kind.connect(proxy.address));
  const metadata = [['echo-text', 'one'], ['echo-raw-bin', 'AP8K'], ['echo-a-trailer', 'last'], ['authorization', 'secret']] as const;
  await probe.call('Probe/Echo', { body: Buffer.from('message') });
  await probe.call('Probe/Reflect', {}, { metadata });
  await probe.call('Probe/Collect', [{ body: Buffer.alloc(20_000, 1) }, {}, { body: Buffer.alloc(3, 2) }]);
  await probe.call('Probe/Reflect', {}, { metadata });
  await probe.call('Probe/Converse', Array.from({ length: 10 }, (_, index) => ({ body: Buffer.from(`turn ${index}`) })), { lockstep: true });
  await probe.call('Probe/Repeat', { times: 3, size: 1000 });
  await probe.call('Probe/Fail', { code: status.DATA_LOSS, details: 'lost' });
  const { code } = await probe.call('Probe/Echo', { size: 30_000 });
  assert.equal(code, 'OK');
  return Buffer.concat(chunks);
}

/** What came back on a stream, in meaning. */
interface Answer {
  readonly blocks: [string, string][][];
  readonly data: Buffer[];
}

/** Sends the pieces, each in a turn of its own, and takes the answers. */
async function replay(pieces: readonly Buffer[], streams: number): Promise<unknown> {
  using client = await RawClient.connect(daemon.port);
  for (const piece of pieces) {
    client.bytes(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answers = new Map<number, Answer>();
  let done = 0;
  for (let ended = 0; ended < streams; ) {
    const frame = await client.next(() => true, done);
    done += 1;
    const { type, id, flags, payload } = frame;
    assert(type !== 'GOAWAY' && type !== 'RST_STREAM', `${type} ${payload.toString('latin1')}`);
    if (id === 0) continue;
    const answer = answers.get(id) ?? { blocks: [], data: [] };
    answers.set(id, answer);
    if (type === 'HEADERS') answer.blocks.push(client.decode(payload));
    if (type === 'DATA') answer.data.push(payload);
    if ((flags & FLAG.END_STREAM) !== 0) ended += 1;
  }
  return [...answers].sort(([one], [other]) => one - other).map(([id, { blocks, data }]) => ({ id, blocks, data: Buffer.concat(data).toString('hex') }));
}

function cut(bytes: Buffer, lengthOf: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) pieces.push(bytes.subarray(at, at + lengthOf()));
  return pieces;
}

for (const kind of PEERS) {
  describe(`what a ${kind.name} client sent`, { skip: kind.skip }, () => {
    const CALLS = 8;
    let bytes: Buffer;
    let whole: unknown;
    before(async () => {
      bytes = await daemon.until(record(kind), 'the calls');
      whole = await replay([bytes], CALLS);
    });

    test('means the same byte by byte', async () => {
      assert.deepEqual(await daemon.until(replay(cut(bytes, () => 1), CALLS), 'the answers'), whole);
    });

    test(`means the same in ${SEEDS} random cuts`, async () => {
      for (let seed = 0; seed < SEEDS; seed += 1) {
        const random = randomFrom(seed);
        const most = [3, 20, 200, 5000][seed % 4] ?? 1;
        assert.deepEqual(await daemon.until(replay(cut(bytes, () => 1 + Math.floor(random() * most)), CALLS), 'the answers'), whole, `seed ${seed}`);
      }
    });
  });
}
