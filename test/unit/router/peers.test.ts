// Who the client is, seen from a servicer behind a router; and clients that keep a table for ever.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { test } from 'node:test';
import grpc, { status } from '@grpc/grpc-js';
import { createTlsOptions } from '#src/config/tls-options.js';
import { makeTestCertificates } from '../../support/certificates.js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';

interface Seen {
  readonly peer: string;
  readonly auth: { readonly transportSecurityType?: string; readonly sslPeerCertificate?: { readonly subject: { readonly CN: string }; readonly raw: Buffer } };
}

function observer(): { seen: Seen[]; handlers: Handlers } {
  const seen: Seen[] = [];
  return {
    seen,
    handlers: {
      unary(given, callback) {
        const server = given as unknown as { getPeer(): string; getAuthContext(): Seen['auth'] };
        seen.push({ peer: server.getPeer(), auth: server.getAuthContext() });
        callback(null, Buffer.alloc(0));
      },
    },
  };
}

test('getPeer is the address of the client', async () => {
  const { seen, handlers } = observer();
  await using rig = await RouterRig.start({ workers: [handlers] });
  const client = rig.client();
  assert.equal((await call(client, 'unary')).code, status.OK);
  assert.match(seen[0]?.peer ?? '', /^127\.0\.0\.1:\d+$/);
  assert.notEqual(seen[0]?.peer, `127.0.0.1:${rig.first.port}`);
  assert.deepEqual(seen[0]?.auth, {});
});

test('getAuthContext has the certificate of a TLS client, each its own', async () => {
  const { seen, handlers } = observer();
  await using rig = await RouterRig.start({ workers: [handlers] });
  const certificates = await makeTestCertificates(rig.folder.join('tls'));
  const pem = { certificate: certificates.server.pem.certificate, key: certificates.server.pem.key, authorities: certificates.ca.pem.certificate };
  const server = createTlsServer(createTlsOptions({ pem }, 'request'), (socket) => rig.router.accept(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ca = Buffer.from(certificates.ca.pem.certificate);
  const { key, certificate } = certificates.client.pem;
  const options = { 'grpc.ssl_target_name_override': 'localhost', 'grpc.use_local_subchannel_pool': 1 };
  const named = new grpc.Client(address, grpc.credentials.createSsl(ca, Buffer.from(key), Buffer.from(certificate)), options);
  const unnamed = new grpc.Client(address, grpc.credentials.createSsl(ca), options);
  for (const client of [named, unnamed, named]) assert.equal((await call(client, 'unary')).code, status.OK);
  assert.deepEqual(seen.map(({ auth }) => [auth.transportSecurityType, auth.sslPeerCertificate?.subject.CN]), [['ssl', 'client'], [undefined, undefined], ['ssl', 'client']]);
  for (const client of [named, unnamed]) client.close();
  server.close();
});

test('a client that never empties its table is understood by every worker, and gets nobody else\'s fields', async () => {
  const seen: string[] = [];
  const service: Handlers = {
    unary(given, callback) {
      seen.push(String(given.metadata.get('x')[0]));
      setTimeout(() => callback(null, Buffer.alloc(0)), 5);
    },
  };
  await using rig = await RouterRig.start({ workers: [service, service] });
  const client = await rig.rawClient();
  const literal = (name: string, value: string): Buffer => Buffer.concat([Buffer.from([0x40, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  const path = '/test.Calls/unary';
  const fixed = Buffer.concat([Buffer.from([0x83, 0x86, 0x04, path.length]), Buffer.from(path), Buffer.from([0x01, 1]), Buffer.from('h'), Buffer.from([0x0f, 0x10, 16]), Buffer.from('application/grpc')]);
  const second = await rig.rawClient();
  for (const [one, value] of [[client, 'alice'], [second, 'bob']] as const) {
    const te = literal('te', 'trailers');
    const begin = Buffer.concat([fixed, te, literal('x', value)]);
    one.out.headers(1, begin, 0, begin.length, false);
    // 62 is the newest: x, 63 is te.
    const again = Buffer.concat([fixed, Buffer.from([0x80 | 63, 0x80 | 62])]);
    for (const id of [3, 5, 7]) one.out.headers(id, again, 0, again.length, false);
    for (const id of [1, 3, 5, 7]) one.message(id, Buffer.alloc(3), true);
  }
  for (const one of [client, second]) {
    one.flush();
    for (const id of [1, 3, 5, 7]) await one.next((frame) => frame.type === 'HEADERS' && frame.id === id && (frame.flags & 1) !== 0);
  }
  assert.deepEqual(seen.sort(), [...Array<string>(4).fill('alice'), ...Array<string>(4).fill('bob')]);
  assert.deepEqual(rig.router.statistics().workers.map(({ calls }) => calls), [4, 4]);
  for (const one of [client, second]) one[Symbol.dispose]();
});
