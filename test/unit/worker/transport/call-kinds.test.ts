import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import grpc from '@grpc/grpc-js';
import { KINDS, type Kind, type LooseCall, type LooseHandler } from '../../../support/call-rig.js';
import { startLeanRig, type LeanRig } from '../../../support/lean-rig.js';
import { frame, requestFields, valueOf, valuesOf } from '../../../support/link-client.js';

const { status } = grpc;

/** Each kind gives back what it gets, all messages as one where it has one to give. */
const ECHO: Record<Kind, LooseHandler> = {
  unary: (call, callback) => callback(null, call.request),
  async clientStream(call, callback) {
    const messages: Buffer[] = [];
    for await (const message of call) messages.push(message as Buffer);
    callback(null, Buffer.concat(messages));
  },
  serverStream(call) {
    for (const byte of call.request as Buffer) call.write(Buffer.of(byte));
    call.end();
  },
  bidi(call) {
    call.on('data', (message) => call.write(message));
    call.on('end', () => call.end());
  },
};

function assertClean({ client, session }: LeanRig): void {
  assert.deepEqual(client.violations, []);
  assert.equal(session.size, 0);
  assert.equal(client.failure, null);
}

const EXPECTED: Record<Kind, { sent: string[]; got: string[] }> = {
  unary: { sent: ['ab'], got: ['ab'] },
  clientStream: { sent: ['ab', '', 'c'], got: ['abc'] },
  serverStream: { sent: ['abc'], got: ['a', 'b', 'c'] },
  bidi: { sent: ['ab', '', 'c'], got: ['ab', '', 'c'] },
};

for (const kind of KINDS) {
  const { sent, got } = EXPECTED[kind];
  for (const channelz of [0, 1]) {
    test(`a ${kind} call is answered, ${channelz === 1 ? 'with' : 'without'} channelz`, async () => {
      const rig = startLeanRig({ handlers: ECHO, serverOptions: { 'grpc.enable_channelz': channelz } });
      const call = await rig.client.call(`/test.Calls/${kind}`, sent).ended;
      assert.equal(call.status, status.OK);
      assert.equal(call.details, 'OK');
      assert.deepEqual(call.messages.map(String), got);
      assert.equal(valueOf(call.headers ?? [], ':status'), '200');
      assert.equal(valueOf(call.headers ?? [], 'content-type'), 'application/grpc+proto');
      assertClean(rig);
    });
  }

  test(`a ${kind} call cut into bytes is answered as a whole one is`, async () => {
    const rig = startLeanRig({ handlers: ECHO });
    const call = rig.client.begin(requestFields(`/test.Calls/${kind}`));
    call.sendCut(Buffer.concat(sent.map((message) => frame(message))), 1, true);
    await call.ended;
    assert.deepEqual(call.messages.map(String), got);
    assertClean(rig);
  });

  test(`a ${kind} handler's error is its status`, async () => {
    const rig = startLeanRig({
      handlers: {
        [kind]: (call: LooseCall, callback: unknown) => {
          const metadata = new grpc.Metadata();
          metadata.set('reason', 'ordered');
          const error = { code: status.NOT_FOUND, details: 'nö such thing: 100 %', metadata };
          if (typeof callback === 'function') (callback as (error: unknown) => void)(error);
          else call.emit('error', error);
        },
      },
    });
    const call = await rig.client.call(`/test.Calls/${kind}`, ['a']).ended;
    assert.equal(call.status, status.NOT_FOUND);
    assert.equal(call.details, 'nö such thing: 100 %');
    assert.equal(valueOf(call.trailers ?? [], 'reason'), 'ordered');
    assert.equal(call.headers, call.trailers, 'Trailers-Only');
    assertClean(rig);
  });

  test(`a ${kind} call that the client cancels is cancelled for its handler, and nothing is sent any more`, async () => {
    const cancelled: Promise<unknown>[] = [];
    const rig = startLeanRig({
      handlers: {
        [kind]: (call: LooseCall) => {
          cancelled.push(once(call as unknown as NodeJS.EventEmitter, 'cancelled'));
        },
      },
    });
    const call = rig.client.begin(requestFields(`/test.Calls/${kind}`));
    call.send(frame('a'), kind === 'unary' || kind === 'serverStream');
    await new Promise(setImmediate);
    assert.equal(cancelled.length, 1);
    call.cancel();
    await cancelled[0];
    assert.deepEqual(rig.client.log, []);
    assertClean(rig);
  });
}

test('a method that nobody serves is UNIMPLEMENTED, and a path that is no text is sent back readable', async () => {
  const rig = startLeanRig();
  const call = await rig.client.call('/test.Calls/nô\u00adthing', ['a']).ended;
  assert.equal(call.status, status.UNIMPLEMENTED);
  assert.equal(call.details, 'The server does not implement the method /test.Calls/nô\u00adthing');
  assertClean(rig);
});

test('a call that is not of gRPC is answered with 415', async () => {
  const rig = startLeanRig({ handlers: ECHO });
  const fields = requestFields('/test.Calls/unary').map(([name, value]) => [name, name === 'content-type' ? 'text/plain' : value] as const);
  const call = await rig.client.begin(fields, true).ended;
  assert.deepEqual(call.headers, [[':status', '415']]);
  assertClean(rig);
});

test('a client stream may have its status before the client has ended', async () => {
  const rig = startLeanRig({
    handlers: { clientStream: (_call, callback) => callback({ code: status.RESOURCE_EXHAUSTED, details: 'enough' }) },
  });
  const call = rig.client.begin(requestFields('/test.Calls/clientStream'));
  await call.ended;
  assert.equal(call.status, status.RESOURCE_EXHAUSTED);
  // The client does not know yet.
  call.send(frame('late'));
  call.sendTrailers([['late', 'yes']]);
  assert.equal(rig.client.taken, frame('late').length, 'what comes late is credited');
  assertClean(rig);
});

test('a deadline that passes ends the call, before and between messages', async () => {
  const rig = startLeanRig({
    handlers: { unary: () => undefined, serverStream: (call) => call.write(Buffer.from('one')) },
  });
  const timeout = [['grpc-timeout', '20m']] as const;
  const silent = await rig.client.call('/test.Calls/unary', ['a'], timeout).ended;
  assert.equal(silent.status, status.DEADLINE_EXCEEDED);
  const begun = await rig.client.call('/test.Calls/serverStream', ['a'], timeout).ended;
  assert.equal(begun.status, status.DEADLINE_EXCEEDED);
  assert.deepEqual(begun.messages.map(String), ['one']);
  assertClean(rig);
});

test('compressed messages are read, and what expands above the limit is refused', async () => {
  const rig = startLeanRig({ handlers: ECHO, serverOptions: { 'grpc.max_receive_message_length': 1000 } });
  for (const [encoding, compress] of [['gzip', gzipSync], ['deflate', deflateSync]] as const) {
    for (const size of [900, 1100]) {
      const call = rig.client.begin(requestFields('/test.Calls/unary', [['grpc-encoding', encoding]]));
      call.send(frame(compress(Buffer.alloc(size, 'z')), true), true);
      await call.ended;
      assert.equal(call.status, size > 1000 ? status.RESOURCE_EXHAUSTED : status.OK, `${encoding}, ${size} bytes`);
    }
  }
  assertClean(rig);
});

test('a message that is announced as too large is refused before it has come', async () => {
  const rig = startLeanRig({ handlers: ECHO, serverOptions: { 'grpc.max_receive_message_length': 1000 } });
  const call = rig.client.begin(requestFields('/test.Calls/unary'));
  call.send(frame(Buffer.alloc(1001)).subarray(0, 5));
  await call.ended;
  assert.equal(call.status, status.RESOURCE_EXHAUSTED);
  assertClean(rig);
});

test('metadata of every shape comes in and goes out', async () => {
  let seen: grpc.Metadata | null = null;
  const rig = startLeanRig({
    handlers: {
      unary(call, callback) {
        seen = call.metadata;
        const headers = new grpc.Metadata();
        headers.add('one', 'a');
        headers.add('several', 'b');
        headers.add('several', 'c');
        headers.add('bytes-bin', Buffer.from([0, 255]));
        headers.add('bytes-bin', Buffer.from([1]));
        headers.add('empty', '');
        call.sendMetadata(headers);
        callback(null, call.request, headers);
      },
    },
  });
  const call = await rig.client.call('/test.Calls/unary', ['a'], [
    ['one', 'a'], ['several', 'b'], ['several', 'c'], ['bytes-bin', 'AP8='], ['bytes-bin', 'AQ'], ['empty', ''], ['cookie', 'x=1'], ['cookie', 'y=2'],
    ['accept-encoding', 'gzip'], ['grpc-accept-encoding', 'identity'],
  ]).ended;
  const metadata = seen as grpc.Metadata | null;
  assert.ok(metadata !== null);
  assert.deepEqual(Object.keys(metadata.getMap()), ['user-agent', 'one', 'several', 'bytes-bin', 'empty', 'cookie']);
  assert.deepEqual(metadata.get('several'), ['b, c']);
  assert.deepEqual(metadata.get('bytes-bin'), [Buffer.from([0, 255]), Buffer.from([1])]);
  assert.deepEqual(metadata.get('cookie'), ['x=1; y=2']);
  assert.deepEqual(metadata.get('empty'), ['']);
  for (const fields of [call.headers ?? [], call.trailers ?? []]) {
    assert.deepEqual(valuesOf(fields, 'one'), ['a']);
    assert.deepEqual(valuesOf(fields, 'several'), ['b', 'c']);
    assert.deepEqual(valuesOf(fields, 'bytes-bin'), ['AP8=', 'AQ==']);
    assert.deepEqual(valuesOf(fields, 'empty'), ['']);
  }
  assertClean(rig);
});

test('trailers of the client end its messages, and are dropped', async () => {
  const rig = startLeanRig({ handlers: ECHO });
  const call = rig.client.begin(requestFields('/test.Calls/clientStream'));
  call.send(frame('a'));
  call.sendTrailers([['checksum', '1']]);
  await call.ended;
  assert.deepEqual(call.messages.map(String), ['a']);
  assertClean(rig);
});
