// The signature setting: every pair must be in the metadata of a call.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { PEERS, type PeerKind } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const REFUSAL = { code: 'UNAUTHENTICATED', details: 'Invalid signature' };

type Pairs = readonly (readonly [string, string])[];

/** The server wants all three; "x-rotating" may be any of two, and "x-from-file" what is in a file. */
const RIGHT: Pairs = [['x-key', 'secret'], ['x-rotating', 'new'], ['x-from-file', 'filed']];

const ACCEPTED: Record<string, Pairs> = {
  'all pairs': RIGHT,
  'the old value of a pair that is being rotated': [['x-key', 'secret'], ['x-rotating', 'old'], ['x-from-file', 'filed']],
  'pairs that nobody asked for': [...RIGHT, ['x-more', 'of the same']],
  'a wrong value beside the right one': [['x-key', 'wrong'], ...RIGHT],
};

const REFUSED: Record<string, Pairs> = {
  'nothing': [],
  'some of the pairs': RIGHT.slice(1),
  'a wrong value': [['x-key', 'Secret'], ...RIGHT.slice(1)],
  'a value that begins like the right one': [['x-key', 'secretly'], ...RIGHT.slice(1)],
  'an empty value': [['x-key', ''], ...RIGHT.slice(1)],
  'the right value under another key': [['x-keys', 'secret'], ...RIGHT.slice(1)],
};

let certificates: TestCertificates;
let dir: TempDir;
before(async () => {
  dir = new TempDir();
  certificates = await TestCertificates.make();
});
after(() => {
  certificates[Symbol.dispose]();
  dir[Symbol.dispose]();
});

const signature = () => ({
  signature: true,
  // Keys are lower-cased.
  signatureData: { 'X-Key': 'secret', 'x-rotating': ['new', 'old'], 'x-from-file': { file: dir.write('signature', 'filed\n') } },
});

describe('signature over TLS', () => {
  let daemon: Daemon;
  before(async () => {
    daemon = await startDaemon({ config: { ...certificates.tls, ...signature() }, deadline: 60_000 });
  });
  after(() => daemon[Symbol.asyncDispose]());

  const connect = (kind: PeerKind) => kind.connect(daemon.address, certificates.clientTls());

  for (const kind of PEERS) {
    for (const [title, metadata] of Object.entries(ACCEPTED)) {
      test(`a ${kind.name} client with ${title} is served`, { skip: kind.skip }, async () => {
        await using probe = new Probe(connect(kind));
        assert.equal((await probe.call('Probe/Echo', {}, { metadata })).code, 'OK');
      });
    }

    for (const [title, metadata] of Object.entries(REFUSED)) {
      test(`a ${kind.name} client with ${title} is refused, in each kind of call`, { skip: kind.skip }, async () => {
        await using probe = new Probe(connect(kind));
        for (const method of ['Probe/Echo', 'Probe/Repeat', 'Probe/Collect', 'Probe/Converse'] as const) {
          const { code, details, messages } = await probe.call(method, {}, { metadata });
          assert.deepEqual({ code, details, messages }, { ...REFUSAL, messages: [] }, method);
        }
      });
    }
  }

  test('health checks need no signature', async () => {
    await using peer = PEERS[0]?.connect(daemon.address, certificates.clientTls());
    assert(peer);
    const { code } = await peer.call({ method: '/grpc.health.v1.Health/Check', kind: 'unary', send: [Buffer.alloc(0)] });
    assert.equal(code, 'OK');
  });

  test('a refused call never reaches its servicer', async () => {
    await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
    const metadata = RIGHT;
    assert.equal((await probe.call('Probe/Hold', { key: 'refused' })).code, REFUSAL.code);
    assert.equal((await probe.call('Probe/Hold', { key: 'served' }, { metadata, cancelAfter: 1 })).code, 'CANCELLED');
    assert.equal((await probe.call('Probe/Observe', { key: 'served' }, { metadata })).messages[0]?.cancelled, true);
    // The Hold that was refused left no trace: Observe finds nothing to answer with.
    assert.notEqual((await probe.call('Probe/Observe', { key: 'refused' }, { metadata })).code, 'OK');
  });
});

test('methods that are exempt need no signature; all others do', async () => {
  const signatureExempt = ['probe.v1.Probe/Echo', 'probe.v1.Misbehaviour/*'];
  await using daemon = await startDaemon({ config: { ...certificates.tls, ...signature(), signatureExempt } });
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  assert.equal((await probe.call('Probe/Collect')).code, 'UNAUTHENTICATED');
  // The list replaces the default: the health service is no longer in it.
  await using peer = PEERS[0]?.connect(daemon.address, certificates.clientTls());
  const check = await peer?.call({ method: '/grpc.health.v1.Health/Check', kind: 'unary', send: [Buffer.alloc(0)] });
  assert.equal(check?.code, 'UNAUTHENTICATED');
});

test('without authentication the signature has no effect, and a warning says so', async () => {
  await using daemon = await startDaemon({ config: signature() });
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  await daemon.waitFor('config.warning', ({ warning }) => /signature.*authentication|authentication.*signature/.test(String(warning)));
});

test('an empty signatureData lets every call pass', async () => {
  await using daemon = await startDaemon({ config: { ...certificates.tls, signature: true } });
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
});

test('secrets are in no line of the log', async () => {
  await using daemon = await startDaemon({ config: { ...certificates.tls, ...signature(), log: { level: 'trace' } } });
  await using probe = new GrpcJsProbe(daemon.address, certificates.clientTls());
  await probe.call('Probe/Echo', {}, { metadata: RIGHT });
  await daemon.stop();
  assert.doesNotMatch(daemon.log.text, /secret|filed/);
});
