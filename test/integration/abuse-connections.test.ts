// Limits that come before HTTP/2: connections from one address, and TLS handshakes that never end.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { makeTestCertificates } from '../support/certificates.js';
import { GrpcJsProbe } from '../support/probe.js';
import { RawClient } from '../support/raw-client.js';
import { scrape } from '../support/scrape.js';
import { TempDir } from '../support/temp-dir.js';

/** On Linux all of 127.0.0.0/8 is this machine. */
const GREEDY = '127.0.0.2';
const isLoopback = process.platform === 'linux';

async function from(daemon: Daemon, localAddress: string): Promise<Socket> {
  const socket = connect({ port: daemon.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('one address has no more connections than it may, and others are not touched', { skip: !isLoopback && 'needs 127.0.0.2' }, async () => {
  await using daemon = await startDaemon({ config: { maxConnectionsPerAddress: 5, admin: '127.0.0.1:0' } });
  await using neighbour = new GrpcJsProbe(daemon.address);
  assert.equal((await neighbour.call('Probe/Echo')).code, 'OK');
  const good = await Promise.all(Array.from({ length: 5 }, async () => new RawClient(await from(daemon, GREEDY))));
  await Promise.all(good.map((client) => client.greet().frameOf('SETTINGS', 0)));
  const excess = await Promise.all(Array.from({ length: 20 }, async () => new RawClient(await from(daemon, GREEDY))));
  await Promise.all(excess.map((client) => client.end()));
  await daemon.waitFor('connection.refused', { reason: 'over-address-limit' });
  assert.equal((await scrape(daemon)).sum('grpcserverd_connections_refused_total', { reason: 'over-address-limit' }), 20);

  good[0]?.[Symbol.dispose]();
  // The word of its end takes a moment to come round.
  await daemon.deadline.poll(async () => {
    using again = new RawClient(await from(daemon, GREEDY));
    return await again.greet().frameOf('SETTINGS', 0).then(() => true as const, () => undefined);
  }, 'room for another one');
  for (const client of good) client[Symbol.dispose]();
  assert.equal((await neighbour.call('Probe/Echo')).code, 'OK');
});

test('a TLS handshake that never ends, or drips, is over after ten seconds', async () => {
  using dir = new TempDir();
  const { server } = await makeTestCertificates(dir.path);
  await using daemon = await startDaemon({
    config: { authentication: 'ssl', certificates: { serverCertificate: server.certificate, serverCertificateKey: server.key }, admin: '127.0.0.1:0' },
    deadline: 60_000,
  });
  using silent = await RawClient.connect(daemon.port, 'text');
  using dripping = await RawClient.connect(daemon.port, 'text');
  // The start of a ClientHello that says it is 512 bytes long.
  dripping.bytes(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]));
  const drip = setInterval(() => dripping.bytes(Buffer.from([1])), 500);
  try {
    await daemon.until(Promise.all([silent.closed, dripping.closed]), 'the end of both');
  } finally {
    clearInterval(drip);
  }
  await daemon.deadline.poll(async () => ((await scrape(daemon)).sum('grpcserverd_client_limits_total', { reason: 'tls-handshake' }) === 2 ? true : undefined), 'both in the count');
  await daemon.waitFor('connection.limited', { reason: 'tls-handshake' });
});
