// One client connection, several workers: each call goes to one of them, whole and unchanged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { call, RouterRig, type Handlers } from '../../support/router-rig.js';
import type { LooseCall } from '../../support/call-rig.js';

/** Says who it is, in each answer. */
const named = (name: string): Handlers => ({
  unary: (_call, callback) => callback(null, Buffer.from(name)),
  async clientStream(stream, callback) {
    let bytes = 0;
    for await (const message of stream) bytes += (message as Buffer).length;
    callback(null, Buffer.from(`${name} ${bytes}`));
  },
  serverStream(stream) {
    for (let count = 0; count < 10; count += 1) stream.write(Buffer.from(`${name} ${count}`));
    stream.end();
  },
  bidi(stream: LooseCall) {
    stream.on('data', (message) => stream.write(message));
    stream.on('end', () => stream.end());
  },
});

test('one connection spreads its calls over all workers, and the busiest has hardly more than the others', async () => {
  const slow = (name: string): Handlers => ({ unary: (_call, callback) => setTimeout(() => callback(null, Buffer.from(name)), 2) });
  await using rig = await RouterRig.start({ workers: [slow('a'), slow('b'), slow('c')] });
  const client = rig.client();
  const counts: Record<string, number> = {};
  await Promise.all(Array.from({ length: 30 }, async () => {
    for (let made = 0; made < 20; made += 1) {
      const { code, messages } = await call(client, 'unary');
      assert.equal(code, status.OK);
      const name = String(messages[0]);
      counts[name] = (counts[name] ?? 0) + 1;
    }
  }));
  assert.equal(Math.max(...Object.values(counts)) <= 600 / 3 * 1.1, true, JSON.stringify(counts));
  assert.deepEqual([rig.router.statistics().connections, rig.router.statistics().links], [1, 3]);
});

test('a quiet client keeps to one link', async () => {
  await using rig = await RouterRig.start({ workers: [named('a'), named('b'), named('c')] });
  const client = rig.client();
  const answers = new Set<string>();
  for (let made = 0; made < 20; made += 1) answers.add(String((await call(client, 'unary')).messages[0]));
  assert.equal(answers.size, 1);
  assert.equal(rig.router.statistics().links, 1);
});

test('an idle connection has no link', async () => {
  await using rig = await RouterRig.start({ workers: [named('a')] });
  const client = await rig.rawClient();
  assert.deepEqual([rig.router.statistics().connections, rig.router.statistics().links], [1, 0]);
  client[Symbol.dispose]();
});

test('calls of all kinds pass', async () => {
  await using rig = await RouterRig.start({ workers: [named('a'), named('a')] });
  const client = rig.client();
  const messages = Array.from({ length: 20 }, (_, index) => Buffer.alloc(index * 1000, index));
  await Promise.all(Array.from({ length: 5 }, async () => {
    const [unary, upload, download, talk] = await Promise.all([
      call(client, 'unary'), call(client, 'clientStream', messages), call(client, 'serverStream'), call(client, 'bidi', messages),
    ]);
    assert.deepEqual([unary.code, upload.code, download.code, talk.code], [0, 0, 0, 0]);
    assert.deepEqual(upload.messages.map(String), ['a 190000']);
    assert.deepEqual(download.messages.map(String), Array.from({ length: 10 }, (_, count) => `a ${count}`));
    assert.deepEqual(talk.messages, messages);
  }));
});
