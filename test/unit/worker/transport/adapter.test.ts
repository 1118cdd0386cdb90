import assert from 'node:assert/strict';
import { TLSSocket, type PeerCertificate } from 'node:tls';
import { test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { DaemonError } from '#src/shared/errors.js';
import { createLeanServer } from '#src/worker/transport/lean/adapter.js';
import { createPeerSocket } from '#src/worker/transport/lean/peer-socket.js';
import { selfCall } from '#src/worker/transport/lean/self-call.js';
import type { LooseHandler } from '../../../support/call-rig.js';
import { BYTES_SERVICE, PEER, startLeanRig } from '../../../support/lean-rig.js';

test('interceptors see every call of their door, and none of another', async () => {
  const seen: string[] = [];
  const note: grpc.ServerInterceptor = (method, call) => {
    seen.push(method.path);
    return new grpc.ServerInterceptingCall(call);
  };
  const { client, server } = startLeanRig({ interceptors: [note], handlers: { unary: (call, callback) => callback(null, call.request) } });
  await client.call('/test.Calls/unary', ['a']).ended;
  assert.deepEqual(seen, ['/test.Calls/unary']);
  assert.equal((await selfCall(createLeanServer(server, []), '/test.Calls/unary', 5000)).length, 0);
  assert.deepEqual(seen, ['/test.Calls/unary']);
});

test('a server that is made in another way is refused with a hint', () => {
  const odd = { createConnectionInjector: () => ({}) } as unknown as grpc.Server;
  assert.throws(() => createLeanServer(odd, []), (error) => error instanceof DaemonError && error.message.includes('made 0 servers') && error.hint.includes('http2'));
});

test('a service that is added later is served', async () => {
  const server = new grpc.Server();
  const open = createLeanServer(server, []);
  await assert.rejects(selfCall(open, '/test.Calls/unary', 5000), /it ended with grpc-status 12/);
  server.addService(BYTES_SERVICE, { unary: ((_call, callback) => callback(null, Buffer.from('yes'))) satisfies LooseHandler } as never);
  assert.equal(String(await selfCall(open, '/test.Calls/unary', 5000)), 'yes');
});

test('a self-call that nobody answers fails in time, and leaves no timer', async () => {
  let cancelled = false;
  const { server } = startLeanRig({ handlers: { unary: (call) => call.on('cancelled', () => (cancelled = true)) } });
  await assert.rejects(selfCall(createLeanServer(server, []), '/test.Calls/unary', 10), /no answer within 10 ms/);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.ok(cancelled);
  assert.deepEqual(process.getActiveResourcesInfo().filter((name) => name === 'Timeout'), []);
});

type AuthContext = ReturnType<grpc.ServerUnaryCall<unknown, unknown>['getAuthContext']>;

/** What a handler and an interceptor hear of the client. */
async function askPeer(peer: typeof PEER): Promise<{ peer: string; auth: AuthContext; connection: unknown }> {
  let connection: unknown;
  const answers: { peer: string; auth: AuthContext }[] = [];
  const ask: grpc.ServerInterceptor = (_method, call) => {
    connection = call.getConnectionInfo();
    return new grpc.ServerInterceptingCall(call);
  };
  const { client } = startLeanRig({
    peer, interceptors: [ask],
    handlers: {
      unary(call, callback) {
        const asked = call as unknown as grpc.ServerUnaryCall<Buffer, Buffer>;
        answers.push({ peer: asked.getPeer(), auth: asked.getAuthContext() });
        callback(null, Buffer.alloc(0));
      },
    },
  });
  await client.call('/test.Calls/unary', ['a']).ended;
  const [answer] = answers;
  assert.ok(answer !== undefined);
  return { ...answer, connection };
}

test('a call knows both ends of its connection', async () => {
  const { certificate: _, ...addresses } = PEER;
  assert.deepEqual(await askPeer(PEER), { peer: '192.0.2.7:40001', auth: {}, connection: addresses });
});

test('a client of a unix socket has no port, and may have no address', async () => {
  const nowhere = { remotePort: undefined, localAddress: undefined, localPort: undefined, certificate: null };
  assert.equal((await askPeer({ ...nowhere, remoteAddress: '@client' })).peer, '@client');
  assert.equal((await askPeer({ ...nowhere, remoteAddress: undefined })).peer, 'unknown');
});

test('a client certificate that was found good is in the auth context', async () => {
  const certificate = { subject: { CN: 'alice' }, raw: Buffer.from('der') } as unknown as PeerCertificate;
  const { auth, peer } = await askPeer({ ...PEER, certificate });
  assert.equal(auth.transportSecurityType, 'ssl');
  assert.equal(auth.sslPeerCertificate, certificate);
  assert.equal(peer, '192.0.2.7:40001');
  assert.ok(createPeerSocket({ ...PEER, certificate }) instanceof TLSSocket);
});
