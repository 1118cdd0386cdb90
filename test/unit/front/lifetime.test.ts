// How connections end: politely, and when they are silent, idle, old or never get going.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_CODE, FLAG } from '#src/http2/constants.js';
import { YOUNG } from '#src/front/farewell.js';
import { FrontPair } from '../../support/front-pair.js';
import type { RawClient, RawFrame } from '../../support/raw-client.js';

const NOT_YET = 2 ** 31 - 1;
const goaways = (client: RawClient): number[] => client.received.filter(({ type }) => type === 'GOAWAY').map(({ payload }) => payload.readUInt32BE(0));
const isOurPing = ({ type, flags }: RawFrame): boolean => type === 'PING' && (flags & FLAG.ACK) === 0;

async function grown(limits: Parameters<typeof FrontPair.greeted>[0] = {}): Promise<FrontPair> {
  const pair = await FrontPair.greeted(limits);
  pair.clock.advance(YOUNG);
  return pair;
}

describe('a farewell', () => {
  test('serves the streams that are on their way, and says then which was the last', async () => {
    await using pair = await grown();
    const { client, link, connection } = pair;
    connection.leave('going', null);
    await client.next(({ type }) => type === 'GOAWAY');
    assert.deepEqual(goaways(client), [NOT_YET]);
    const { payload } = await client.next(isOurPing);
    client.call(1, '/a.B/C', { endStream: true });
    client.out.ping(payload, true);
    await client.next(({ type, payload: goaway }) => type === 'GOAWAY' && goaway.readUInt32BE(0) === 1);
    client.call(3, '/a.B/C').data(3, Buffer.alloc(8));
    client.out.windowUpdate(3, 1);
    client.out.rstStream(3, ERROR_CODE.CANCEL);
    await client.settle();
    assert.deepEqual(link.heard, ['headers 1 end'], 'what comes after that is for another connection');
    assert.equal(client.socket.closed, false);
    pair.answer(1, { ':status': '200', 'grpc-status': '0' }, true);
    await client.end();
    assert(client.received.some(({ type, id }) => type === 'HEADERS' && id === 1));
  });

  test('waits until a young connection is a second old', async () => {
    await using pair = await FrontPair.greeted();
    pair.connection.leave('going', null);
    await pair.client.settle();
    assert.deepEqual(goaways(pair.client), []);
    pair.clock.advance(YOUNG);
    await pair.client.settle();
    assert.deepEqual(goaways(pair.client), [NOT_YET]);
  });

  test('is said also when the timer was early by a hair, as timers are', async () => {
    await using pair = await FrontPair.greeted();
    pair.connection.leave('going', null);
    pair.clock.early(YOUNG, 0.5);
    await pair.client.settle();
    assert.deepEqual(goaways(pair.client), [NOT_YET]);
  });

  test('waits for the client\'s first words', async () => {
    await using pair = await FrontPair.open();
    pair.clock.advance(YOUNG);
    pair.connection.leave('going', null);
    pair.client.greet();
    await pair.client.next(({ type }) => type === 'GOAWAY');
    assert.deepEqual(pair.client.received.map(({ type }) => type).slice(0, 2), ['SETTINGS', 'WINDOW_UPDATE']);
  });

  test('does not wait for ever for the client\'s answer', async () => {
    await using pair = await grown();
    pair.connection.leave('going', 9000);
    pair.clock.advance(2999);
    await pair.client.settle();
    assert.deepEqual(goaways(pair.client), [NOT_YET]);
    pair.clock.advance(1);
    await pair.client.end();
    assert.deepEqual(goaways(pair.client), [NOT_YET, 0]);
  });

  test('ends what is left after its grace', async () => {
    await using pair = await grown();
    pair.client.call(1, '/a.B/C');
    await pair.client.settle();
    pair.connection.leave('going', 9000);
    pair.clock.advance(9000);
    await pair.client.end();
    const { payload } = pair.client.received.filter(({ type }) => type === 'GOAWAY').at(-1) ?? assert.fail('no GOAWAY');
    assert.equal(payload.readUInt32BE(4), ERROR_CODE.CANCEL);
  });

  test('is said once', async () => {
    await using pair = await grown();
    pair.connection.leave('going', null);
    pair.connection.leave('going again', 5);
    await pair.client.settle();
    assert.deepEqual(goaways(pair.client), [NOT_YET]);
  });
});

describe('a client that says nothing', () => {
  test('at all is gone after ten seconds', async () => {
    await using pair = await FrontPair.open();
    pair.clock.advance(10_000);
    await pair.client.end();
    assert.equal(await pair.closed, null);
  });

  test('about our SETTINGS is told so after ten seconds', async () => {
    await using pair = await FrontPair.open();
    const { client } = pair;
    client.out.preface();
    client.out.settings([]);
    await client.settle();
    pair.clock.advance(10_000);
    assert.equal((await client.goaway()).code, ERROR_CODE.SETTINGS_TIMEOUT);
    await client.end();
  });

  test('for the keepalive time is pinged, and gone when it does not answer', async () => {
    await using pair = await FrontPair.greeted({ keepalive: { time: 60_000, timeout: 20_000, minClientInterval: null } });
    pair.clock.advance(59_999);
    await pair.client.settle();
    assert.equal(pair.client.received.some(isOurPing), false);
    // The settling was a sign of it.
    pair.clock.advance(59_999);
    pair.clock.advance(1);
    const from = pair.client.received.length;
    await pair.client.next(isOurPing, from);
    pair.clock.advance(19_999);
    assert.equal(pair.socket.destroyed, false);
    pair.clock.advance(1);
    await pair.client.end();
  });

  test('and answers the ping stays', async () => {
    await using pair = await FrontPair.greeted({ keepalive: { time: 60_000, timeout: 20_000, minClientInterval: null } });
    pair.clock.advance(60_000);
    const { payload } = await pair.client.next(isOurPing);
    pair.client.out.ping(payload, true);
    await pair.client.settle();
    pair.clock.advance(59_999);
    assert.equal(pair.socket.destroyed, false);
  });
});

test('a connection that had no call for too long is asked to leave, one with a call is not', async () => {
  await using pair = await grown({ maxConnectionIdle: 300_000 });
  pair.client.call(1, '/a.B/C', { endStream: true });
  await pair.client.settle();
  pair.clock.advance(400_000);
  await pair.client.settle();
  assert.deepEqual(goaways(pair.client), []);
  pair.answer(1, { ':status': '200', 'grpc-status': '0' }, true);
  pair.clock.advance(299_999);
  await pair.client.settle();
  assert.deepEqual(goaways(pair.client), []);
  pair.clock.advance(300_000);
  const { text } = await pair.client.goaway();
  assert.equal(text, 'max_idle');
});

test('a connection that is too old is asked to leave, and ended after the grace', async () => {
  await using pair = await grown({ maxConnectionAge: 100_000, maxConnectionAgeGrace: 30_000 });
  pair.client.call(1, '/a.B/C');
  await pair.client.settle();
  pair.clock.advance(99_000);
  assert.equal((await pair.client.goaway()).text, 'max_age');
  pair.clock.advance(30_000);
  await pair.client.end();
});

test('a client that sends and does not read is not read from either', async () => {
  await using pair = await FrontPair.greeted();
  const { client } = pair;
  // Each call gets an answer that is longer than the call.
  pair.link.headers = (answered) => pair.answer(answered, { ':status': '200', 'grpc-status': '0', 'grpc-message': 'x'.repeat(200) }, true);
  client.socket.pause();
  // Until no more of it is taken.
  let sent = 0;
  const limit = 64 * 1024 * 1024;
  let id = 1;
  while (sent < limit && client.socket.writableLength < 1024 * 1024) {
    for (let call = 0; call < 1000; call += 1, id += 2) client.call(id, '/a.B/C', { endStream: true });
    sent += client.out.length;
    client.flush();
    await new Promise(setImmediate);
  }
  assert(sent < limit, 'it was read from for ever');
  assert.deepEqual(pair.limited, []);
});

test('a client that leaves and has no call gets none any more: it hears which was the last, and none is begun in vain', async () => {
  await using pair = await FrontPair.greeted();
  const { client } = pair;
  client.call(1, '/a.B/C', { endStream: true });
  await client.settle();
  pair.answer(1, { ':status': '200', 'grpc-status': '0' }, true);
  await client.settle();
  client.out.goaway(0, ERROR_CODE.NO_ERROR, '');
  client.call(3, '/a.B/C', { endStream: true });
  await client.end();
  assert.deepEqual(pair.link.heard.filter((word) => word.startsWith('headers')), ['headers 1 end']);
  assert.deepEqual(goaways(client), [1]);
});
