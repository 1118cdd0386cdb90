// The two lanes of header blocks: however a client compresses, what goes on means the same to everybody.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderLane } from '#src/front/header-lane.js';
import { ERROR_CODE } from '#src/http2/constants.js';
import { decodeLiteralField, walkFields } from '#src/http2/hpack/walk.js';
import { FrontPair } from '../../support/front-pair.js';

const SIZE_0 = Buffer.from([0x20]);
const SIZE_4096 = Buffer.from([0x3f, 0xe1, 0x1f]);
/** `x: secret`, to be added to the table; `x: secret` from the table; the same, never to be indexed. */
const ADD = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'), Buffer.from([6]), Buffer.from('secret')]);
const INDEXED = Buffer.from([0x80 | 62]);
const NEVER = Buffer.concat([Buffer.from([0x10, 1]), Buffer.from('x'), Buffer.from([6]), Buffer.from('secret')]);
const GET = Buffer.from([0x82]);

function passed(lane: HeaderLane, ...parts: Buffer[]): { fields: [string, string, boolean][]; isSame: boolean } {
  const block = Buffer.concat(parts);
  assert.equal(lane.pass(block, 0, block.length), true);
  const fields: [string, string, boolean][] = [];
  walkFields(lane.buffer, lane.start, lane.end, (start, end) => {
    const { name, value, neverIndexed } = decodeLiteralField(lane.buffer, start, end);
    fields.push([name, value, neverIndexed]);
  });
  return { fields, isSame: lane.buffer === block };
}

const codeOf = (pass: () => unknown): unknown => {
  try {
    pass();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return null;
};

test('before the client knows, its blocks are written again without its table', () => {
  const lane = new HeaderLane(16_384);
  assert.deepEqual(passed(lane, GET, ADD), { fields: [[':method', 'GET', false], ['x', 'secret', false]], isSame: false });
  assert.deepEqual(passed(lane, INDEXED), { fields: [['x', 'secret', false]], isSame: false });
});

test('a client that takes no note is read with its table for ever', () => {
  const lane = new HeaderLane(16_384);
  lane.acknowledged();
  passed(lane, ADD);
  for (let count = 0; count < 3; count += 1) assert.deepEqual(passed(lane, INDEXED).fields, [['x', 'secret', false]]);
  assert.equal(lane.isFast, false);
});

test('what must never be indexed stays so', () => {
  assert.deepEqual(passed(new HeaderLane(16_384), NEVER).fields, [['x', 'secret', true]]);
});

test('a block that has nothing to do with a table passes as it is, and the client\'s table stays', () => {
  const lane = new HeaderLane(16_384);
  passed(lane, ADD);
  assert.deepEqual(passed(lane, GET, NEVER), { fields: [[':method', 'GET', false], ['x', 'secret', true]], isSame: true });
  assert.equal(lane.isFast, false);
  assert.deepEqual(passed(lane, INDEXED).fields, [['x', 'secret', false]]);
});

test('after a size update to 0 that follows the acknowledgement, blocks pass as they are', () => {
  const lane = new HeaderLane(16_384);
  passed(lane, ADD);
  lane.acknowledged();
  assert.deepEqual(passed(lane, SIZE_0, GET, NEVER), { fields: [[':method', 'GET', false], ['x', 'secret', true]], isSame: true });
  assert.equal(lane.isFast, true);
  assert.deepEqual(passed(lane, GET), { fields: [[':method', 'GET', false]], isSame: true });
});

test('a size update to 0 before the acknowledgement does not end the careful lane: the client may raise it again', () => {
  const lane = new HeaderLane(16_384);
  passed(lane, SIZE_0, GET);
  assert.equal(lane.isFast, false);
  passed(lane, SIZE_4096, ADD);
  lane.acknowledged();
  assert.deepEqual(passed(lane, INDEXED).fields, [['x', 'secret', false]]);
});

test('a client that had emptied its table before gets the fast lane after one more block', () => {
  const lane = new HeaderLane(16_384);
  passed(lane, SIZE_0, GET);
  lane.acknowledged();
  passed(lane, GET);
  assert.equal(lane.isFast, true);
});

test('a size update through another size counts by where it ends', () => {
  const lane = new HeaderLane(16_384);
  lane.acknowledged();
  passed(lane, SIZE_0, SIZE_4096, ADD);
  assert.equal(lane.isFast, false);
  passed(lane, SIZE_4096, SIZE_0, GET);
  assert.equal(lane.isFast, true);
});

test('in the fast lane a table of another size is a fault', () => {
  const lane = new HeaderLane(16_384);
  lane.acknowledged();
  passed(lane, SIZE_0, GET);
  assert.equal(codeOf(() => passed(lane, SIZE_4096, GET)), ERROR_CODE.COMPRESSION_ERROR);
});

test('in the fast lane an indexed field is a fault for whoever reads the block', () => {
  const lane = new HeaderLane(16_384);
  passed(lane, ADD);
  lane.acknowledged();
  passed(lane, SIZE_0, GET);
  assert.equal(codeOf(() => passed(lane, INDEXED)), ERROR_CODE.COMPRESSION_ERROR);
});

test('a list that is too large is not passed, and the table is right afterwards', () => {
  const lane = new HeaderLane(100);
  const large = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('y'), Buffer.from([90]), Buffer.alloc(90, 'z')]);
  const block = Buffer.concat([ADD, large]);
  assert.equal(lane.pass(block, 0, block.length), false);
  assert.deepEqual(passed(lane, Buffer.from([0x80 | 63])).fields, [['x', 'secret', false]]);
});

test('nothing of a broken block gets into the next one, of whichever connection', () => {
  assert.equal(codeOf(() => passed(new HeaderLane(16_384), NEVER, Buffer.from([0x80 | 70]))), ERROR_CODE.COMPRESSION_ERROR);
  assert.deepEqual(passed(new HeaderLane(16_384), GET).fields, [[':method', 'GET', false]]);
});

test('blocks of refused and late streams pass the lane too, or the table would be wrong', async () => {
  await using pair = await FrontPair.greeted({ maxConcurrentStreams: 1 });
  const { client, link } = pair;
  client.out.headers(1, GET, 0, 1, false);
  client.out.headers(3, ADD, 0, ADD.length, false);
  await client.frameOf('RST_STREAM', 3);
  client.out.rstStream(1, 8);
  client.out.headers(5, INDEXED, 0, 1, true);
  await client.settle();
  assert.deepEqual(link.fields.get(5), [['x', 'secret']]);
});

test('a block that its link cannot read ends the client\'s connection', async () => {
  await using pair = await FrontPair.greeted();
  pair.owner.fail(ERROR_CODE.COMPRESSION_ERROR, 'index 62');
  assert.deepEqual(await pair.client.goaway(), { lastId: 0, code: ERROR_CODE.COMPRESSION_ERROR, text: 'index 62' });
  await pair.client.end();
});
