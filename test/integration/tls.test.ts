// TLS and client certificates, from every kind of client, over both transports.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { readFileSync } from 'node:fs';
import type { UserConfig } from '#src/config/options.js';
import { EXIT } from '#src/shared/exit-codes.js';
import { CLIENT_NAME, TestCertificates } from '../support/daemon-certificates.js';
import type { ClientTls } from '../support/calls.js';
import { failDaemon, startDaemon, type Daemon } from '../support/daemon.js';
import { NOBODY, notAsNobody } from '../support/ordinary-user.js';
import { PEERS, type PeerKind } from '../support/peers.js';
import { GrpcJsProbe, Probe } from '../support/probe.js';

let certificates: TestCertificates;
before(async () => {
  certificates = await TestCertificates.make();
});
after(() => certificates[Symbol.dispose]());

/** Who the servicer says the client is, or how the call failed. */
async function identify(kind: PeerKind, daemon: Daemon, tls?: ClientTls): Promise<{ code: string; security?: string; cn?: string; peer?: string }> {
  await using probe = new Probe(kind.connect(daemon.address, tls));
  const { code, messages } = await daemon.until(probe.call('Probe/Identify', {}, { timeoutMs: 5000 }), 'an answer');
  const [identity] = messages;
  return identity === undefined ? { code } : { code, security: identity.security, cn: identity.cn, peer: identity.peer };
}

function withDaemon(title: string, settings: () => UserConfig, body: (daemon: () => Daemon) => void): void {
  for (const transport of ['http2', 'lean'] as const) {
    describe(`${title}, transport ${transport}`, () => {
      let daemon: Daemon;
      before(async () => {
        daemon = await startDaemon({ config: { maxWorkers: 2, transport, ...settings() }, deadline: 60_000 });
      });
      after(() => daemon[Symbol.asyncDispose]());
      body(() => daemon);
    });
  }
}

withDaemon('a server with TLS', () => certificates.tls, (daemon) => {
  for (const kind of PEERS) {
    test(`serves a ${kind.name} client, and knows it by its address only`, { skip: kind.skip }, async () => {
      const { code, cn, peer } = await identify(kind, daemon(), certificates.clientTls());
      assert.deepEqual({ code, cn }, { code: 'OK', cn: '' });
      assert.match(peer ?? '', /^127\.0\.0\.1:\d+$/);
    });

    test(`does not serve a ${kind.name} client without TLS`, { skip: kind.skip }, async () => {
      assert.deepEqual(await identify(kind, daemon()), { code: 'UNAVAILABLE' });
    });
  }

  test('streams large messages both ways', async () => {
    await using probe = new GrpcJsProbe(daemon().address, certificates.clientTls());
    const body = Buffer.alloc(1_000_000, 't');
    const { code, messages } = await probe.call('Probe/Converse', [{ body }, { body }, { body }]);
    assert.deepEqual([code, messages.map((message) => message.body.length)], ['OK', [1_000_000, 1_000_000, 1_000_000]]);
  });

  test('says so in the ready event', () => {
    assert.equal(daemon().log.all('daemon.ready')[0]?.tls, true);
  });

  test('refuses a client that does not speak HTTP/2 over TLS', async () => {
    const socket = connect({ port: daemon().port, host: '127.0.0.1', ca: readFileSync(certificates.ca), servername: 'localhost', ALPNProtocols: ['http/1.1'] });
    const end = await daemon().until(new Promise((resolve) => socket.once('error', resolve).once('close', resolve)), 'the end of the connection');
    assert.notEqual(end, undefined);
    socket.destroy();
  });

  test('picks h2 from what clients of gRPC offer', async () => {
    const socket = connect({ port: daemon().port, host: '127.0.0.1', ca: readFileSync(certificates.ca), servername: 'localhost', ALPNProtocols: ['grpc-exp', 'h2'] });
    await daemon().until(once(socket, 'secureConnect'), 'the handshake');
    assert.equal(socket.alpnProtocol, 'h2');
    socket.destroy();
  });

  test('logs a handshake that failed, with the client it came from', async () => {
    await using stranger = new GrpcJsProbe(daemon().address);
    await stranger.call('Probe/Echo', {}, { timeoutMs: 5000 });
    const { peer } = await daemon().waitFor('connection.tls-failed');
    assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
  });
});

withDaemon('a server that requires client certificates', () => certificates.mutualTls('require'), (daemon) => {
  for (const kind of PEERS) {
    test(`knows a ${kind.name} client by its certificate`, { skip: kind.skip }, async () => {
      const { code, security, cn, peer } = await identify(kind, daemon(), certificates.clientTls(certificates.client));
      assert.deepEqual({ code, security, cn }, { code: 'OK', security: 'ssl', cn: CLIENT_NAME });
      assert.match(peer ?? '', /^127\.0\.0\.1:\d+$/);
    });

    test(`does not serve a ${kind.name} client without one`, { skip: kind.skip }, async () => {
      assert.deepEqual(await identify(kind, daemon(), certificates.clientTls()), { code: 'UNAVAILABLE' });
    });

    test(`does not serve a ${kind.name} client with one of an unknown authority`, { skip: kind.skip }, async () => {
      assert.deepEqual(await identify(kind, daemon(), certificates.clientTls(certificates.stranger)), { code: 'UNAVAILABLE' });
    });
  }
});

withDaemon('a server that requests client certificates', () => certificates.mutualTls('request'), (daemon) => {
  for (const kind of PEERS) {
    test(`serves a ${kind.name} client with or without one`, { skip: kind.skip }, async () => {
      const known = await identify(kind, daemon(), certificates.clientTls(certificates.client));
      assert.deepEqual([known.code, known.cn], ['OK', CLIENT_NAME]);
      const anonymous = await identify(kind, daemon(), certificates.clientTls());
      assert.deepEqual([anonymous.code, anonymous.cn], ['OK', '']);
    });

    test(`takes no certificate of an unknown authority from a ${kind.name} client`, { skip: kind.skip }, async () => {
      const { code, cn } = await identify(kind, daemon(), certificates.clientTls(certificates.stranger));
      // Go keeps a certificate to itself that is of none of the authorities which the server names.
      assert.deepEqual({ code, cn }, kind.name === 'Go' ? { code: 'OK', cn: '' } : { code: 'UNAVAILABLE', cn: undefined });
    });
  }
});

withDaemon('a root certificate alone', () => ({ ...certificates.mutualTls('request'), clientAuthentication: 'none' }), (daemon) => {
  test('demands no client certificate', async () => {
    await using probe = new GrpcJsProbe(daemon().address, certificates.clientTls());
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  });
});

const BAD: Record<string, (made: TestCertificates) => UserConfig> = {
  'an expired certificate': ({ expired }) => ({ certificates: { serverCertificate: expired.cert, serverCertificateKey: expired.key } }),
  'a certificate that is not there': ({ server }) => ({ certificates: { serverCertificate: `${server.cert}.gone`, serverCertificateKey: server.key } }),
  'a key of another certificate': ({ ca, server }) => ({ certificates: { serverCertificate: server.cert, serverCertificateKey: ca.replace(/crt$/, 'key') } }),
  'a key where a certificate belongs': ({ server }) => ({ certificates: { serverCertificate: server.key, serverCertificateKey: server.key } }),
  'no certificate at all': () => ({}),
  'required client certificates without a root certificate': (made) => ({ ...made.tls, clientAuthentication: 'require' }),
};

for (const [title, settings] of Object.entries(BAD)) {
  test(`${title} stops the start with exit code 78`, async () => {
    const { code, log } = await failDaemon({ config: { authentication: 'ssl', ...settings(certificates) } });
    assert.equal(code, EXIT.config, log.text);
    assert.match(log.text, /ertificate/);
    assert.deepEqual(log.all('daemon.listening'), [], 'nothing listened before the certificates were found good');
  });
}

test('a key that this user may not read stops the start with exit code 78', { skip: notAsNobody() }, async () => {
  const { code, log } = await failDaemon({ config: certificates.tls, uid: NOBODY });
  assert.equal(code, EXIT.config, log.text);
});
