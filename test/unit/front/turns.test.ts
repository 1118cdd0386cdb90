// A client that sends much at once, and the others: whose frames are dealt with when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrontPair } from '../../support/front-pair.js';

const CALLS = 5000;
const idOf = (number: number): number => 1 + 2 * number;

/** So many calls at once, each with a reset. */
function flood({ client }: FrontPair): void {
  for (let number = 0; number < CALLS; number += 1) {
    client.call(idOf(number), '/a.B/C');
    client.out.rstStream(idOf(number), 8);
  }
  client.flush();
}

const countOf = ({ link }: FrontPair): number => link.heard.filter((heard) => heard.startsWith('headers')).length;

test('what one client has sent at once is dealt with in turns, between which others have theirs', async () => {
  await using greedy = await FrontPair.greeted();
  await using neighbour = await FrontPair.greeted();
  flood(greedy);
  const seen: number[] = [];
  // A turn of the event loop each.
  while (countOf(greedy) < CALLS) {
    await new Promise(setImmediate);
    seen.push(countOf(greedy));
  }
  const most = Math.max(...seen.map((count, turn) => count - (seen[turn - 1] ?? 0)));
  assert.ok(most <= 130, `${most} calls in a turn of the loop`);
  await neighbour.client.settle();
  assert.deepEqual(
    greedy.link.heard.filter((heard) => !heard.startsWith('settings')),
    Array.from({ length: CALLS }, (_, number) => [`headers ${idOf(number)}`, `reset ${idOf(number)} 8`]).flat(),
  );
});

test('a neighbour is answered while a client floods', async () => {
  await using greedy = await FrontPair.greeted();
  await using neighbour = await FrontPair.greeted();
  flood(greedy);
  while (countOf(greedy) === 0) await new Promise(setImmediate);
  await neighbour.client.settle();
  assert.ok(countOf(greedy) < CALLS, 'all of the flood came first');
});

test('a client that is not read from because it does not read, stays so between its turns', async () => {
  await using pair = await FrontPair.greeted({ maxConcurrentStreams: CALLS }, { INITIAL_WINDOW_SIZE: 2 ** 31 - 1 });
  pair.client.out.windowUpdate(0, 2 ** 30);
  pair.client.call(1, '/a.B/C');
  await pair.client.settle();
  pair.client.socket.pause();
  pair.answer(1, { ':status': '200' });
  const piece = Buffer.alloc(16_384);
  // Until the socket is full, and more waits than may.
  while (!pair.socket.isPaused()) {
    pair.data(1, piece);
    await new Promise(setImmediate);
  }
  const heard = pair.link.heard.length;
  for (let number = 1; number < 1000; number += 1) pair.client.call(idOf(number), '/a.B/C');
  pair.client.flush();
  for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate);
  assert.ok(pair.socket.isPaused());
  assert.equal(pair.link.heard.length, heard);
  pair.client.socket.resume();
  await pair.client.settle();
  assert.equal(countOf(pair), 1000);
});

test('frames that wait for their turn when the client is gone are dropped', async () => {
  await using pair = await FrontPair.greeted();
  flood(pair);
  while (countOf(pair) === 0) await new Promise(setImmediate);
  pair.connection.destroy();
  await pair.closed;
  const count = countOf(pair);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(countOf(pair), count);
  assert.ok(count < CALLS);
});
