import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE, FLAG, FRAME, PREFACE, SETTING } from '#src/http2/constants.js';
import { FrameBuffer } from '#src/http2/frame-buffer.js';
import { FrameReader } from '#src/http2/frame-reader.js';
import { randomFrom } from '../../support/random.js';

type Frame = readonly [type: number, flags: number, id: number, payload: Buffer];

function framesIn(parts: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const reader = new FrameReader((type, flags, id, buffer, start, end) => {
    frames.push([type, flags, id, Buffer.from(buffer.subarray(start, end))]);
  });
  for (const part of parts) reader.push(part);
  assert.equal(reader.buffered, 0);
  return frames;
}

function written(write: (buffer: FrameBuffer) => void): Frame[] {
  const buffer = new FrameBuffer();
  write(buffer);
  return framesIn(buffer.take());
}

function bytes(length: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (from + index) % 251));
}

test('writes each kind of frame as RFC 9113 has it', () => {
  const block = Buffer.from('.block.');
  const frames = written((buffer) => {
    buffer.headers(5, block, 1, 6, false);
    buffer.headers(5, block, 1, 6, true);
    buffer.data(2 ** 31 - 1, block, 0, 3, false);
    buffer.data(7, block, 3, 3, true);
    buffer.rstStream(9, ERROR_CODE.CANCEL);
    buffer.windowUpdate(0, 2 ** 31 - 1);
    buffer.settings([[SETTING.HEADER_TABLE_SIZE, 0], [SETTING.MAX_HEADER_LIST_SIZE, 2 ** 32 - 1]]);
    buffer.settings([]);
    buffer.settingsAck();
    buffer.ping(Buffer.from('pingpong'), false);
    buffer.ping(Buffer.from('pingpong'), true);
    buffer.goaway(2 ** 31 - 1, ERROR_CODE.ENHANCE_YOUR_CALM, 'too_many_pings');
  });
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  assert.deepEqual(frames, [
    [FRAME.HEADERS, FLAG.END_HEADERS, 5, Buffer.from('block')],
    [FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, 5, Buffer.from('block')],
    [FRAME.DATA, 0, 2 ** 31 - 1, Buffer.from('.bl')],
    [FRAME.DATA, FLAG.END_STREAM, 7, Buffer.alloc(0)],
    [FRAME.RST_STREAM, 0, 9, hex('00000008')],
    [FRAME.WINDOW_UPDATE, 0, 0, hex('7fffffff')],
    [FRAME.SETTINGS, 0, 0, hex('0001000000000006ffffffff')],
    [FRAME.SETTINGS, 0, 0, Buffer.alloc(0)],
    [FRAME.SETTINGS, FLAG.ACK, 0, Buffer.alloc(0)],
    [FRAME.PING, 0, 0, Buffer.from('pingpong')],
    [FRAME.PING, FLAG.ACK, 0, Buffer.from('pingpong')],
    [FRAME.GOAWAY, 0, 0, Buffer.concat([hex('7fffffff0000000b'), Buffer.from('too_many_pings')])],
  ]);
});

test('the preface comes first', () => {
  const buffer = new FrameBuffer();
  buffer.preface();
  buffer.settingsAck();
  const all = Buffer.concat(buffer.take());
  assert.deepEqual(all.subarray(0, 24), PREFACE);
  assert.equal(all.length, 33);
});

test('a block above 16384 bytes goes on in CONTINUATIONs, and END_HEADERS is on the last alone', () => {
  for (const length of [16_383, 16_384, 16_385, 32_768, 32_769, 100_000]) {
    const block = bytes(length + 2);
    const frames = written((buffer) => buffer.headers(3, block, 1, length + 1, true));
    assert.deepEqual(Buffer.concat(frames.map(([, , , payload]) => payload)), block.subarray(1, length + 1));
    assert.equal(frames.length, Math.ceil(length / 16_384));
    frames.forEach(([type, flags, id, payload], index) => {
      const isLast = index === frames.length - 1;
      assert.equal(type, index === 0 ? FRAME.HEADERS : FRAME.CONTINUATION);
      assert.equal(flags, (index === 0 ? FLAG.END_STREAM : 0) | (isLast ? FLAG.END_HEADERS : 0));
      assert.equal(id, 3);
      assert.equal(payload.length, isLast ? length - index * 16_384 : 16_384);
    });
  }
});

test('a long debug text of GOAWAY is cut to one frame', () => {
  const [frame] = written((buffer) => buffer.goaway(1, 0, 'x'.repeat(100_000)));
  assert.equal(frame?.[3].length, 16_384);
});

test('what was taken stays as it was, whatever is written afterwards, and comes in order', () => {
  const random = randomFrom(21);
  const buffer = new FrameBuffer();
  const taken: Buffer[] = [];
  const expected: Frame[] = [];
  for (let turn = 0; turn < 3000; turn += 1) {
    // Waves of busy and quiet turns, so that slabs grow, are used up and are dropped.
    const frames = turn % 100 < 10 ? 60 : Math.floor(random() * 4);
    for (let index = 0; index < frames; index += 1) {
      const payload = bytes(Math.floor(random() ** 6 * 5000), index + turn);
      buffer.data(1, payload, 0, payload.length, false);
      expected.push([FRAME.DATA, 0, 1, Buffer.from(payload)]);
    }
    const waiting = buffer.length;
    const parts = buffer.take();
    assert.equal(parts.reduce((sum, part) => sum + part.length, 0), waiting);
    assert.ok(parts.every((part) => part.length > 0));
    assert.equal(buffer.length, 0);
    taken.push(...parts);
  }
  assert.deepEqual(framesIn(taken), expected);
});

test('nothing written, nothing taken', () => {
  const buffer = new FrameBuffer();
  assert.deepEqual(buffer.take(), []);
  buffer.settingsAck();
  buffer.take();
  assert.deepEqual(buffer.take(), []);
});

test('the frames of a turn are one buffer, and a large payload is one more that was not copied', () => {
  const buffer = new FrameBuffer();
  const small = bytes(12);
  const large = bytes(2048);
  for (let id = 1; id < 5; id += 2) {
    buffer.headers(id, small, 0, 12, false);
    buffer.data(id, small, 0, 12, true);
  }
  assert.equal(buffer.take().length, 1);
  buffer.headers(1, small, 0, 12, false);
  buffer.data(1, large, 0, 2048, false);
  buffer.headers(1, small, 0, 12, true);
  const parts = buffer.take();
  assert.equal(parts.length, 3);
  assert.equal(parts[1], large);
  buffer.data(1, Buffer.concat([small, large]), 12, 2060, false);
  assert.deepEqual(buffer.take()[1], large);
});

test('large frames that lie behind each other as they are to be go on as one piece', () => {
  const came = (id: number, size: number, flags = 0): Buffer => {
    const out = new FrameBuffer();
    out.data(id, bytes(size, id), 0, size, flags !== 0);
    return Buffer.concat(out.take());
  };
  const chunk = Buffer.concat([came(1, 3000), came(3, 4000), came(3, 100), came(1, 5000, FLAG.END_STREAM)]);
  const buffer = new FrameBuffer();
  const pass = (id: number, at: number, size: number, endStream = false): void => buffer.data(id, chunk, at + 9, at + 9 + size, endStream);

  pass(1, 0, 3000);
  pass(3, 3009, 4000);
  assert.equal(buffer.length, 7018);
  assert.deepEqual(buffer.take(), [chunk.subarray(0, 7018)]);
  assert.equal(buffer.length, 0);
  assert.deepEqual(buffer.take(), []);

  // Whatever comes between, or differs from what came, gets its place and a header of its own.
  pass(1, 0, 3000);
  buffer.ping(Buffer.from('pingpong'), true);
  pass(3, 3009, 4000);
  pass(3, 7018, 100);
  pass(1, 7127, 5000);
  pass(5, 0, 3000);
  const expected = [
    [FRAME.DATA, 0, 1, bytes(3000, 1)],
    [FRAME.PING, FLAG.ACK, 0, Buffer.from('pingpong')],
    [FRAME.DATA, 0, 3, bytes(4000, 3)],
    [FRAME.DATA, 0, 3, bytes(100, 3)],
    [FRAME.DATA, 0, 1, bytes(5000, 1)],
    [FRAME.DATA, 0, 5, bytes(3000, 1)],
  ];
  assert.equal(buffer.length, expected.reduce((sum, [, , , payload]) => sum + 9 + (payload as Buffer).length, 0));
  assert.deepEqual(framesIn([Buffer.concat(buffer.take())]), expected);

  // One of two in the middle of a chunk, from its own place.
  pass(3, 3009, 4000);
  assert.deepEqual(buffer.take(), [chunk.subarray(3009, 7018)]);
});

test('a small payload may change as soon as it was written', () => {
  const buffer = new FrameBuffer();
  const payload = bytes(100);
  buffer.data(1, payload, 0, 100, false);
  payload.fill(0);
  assert.deepEqual(framesIn(buffer.take())[0]?.[3], bytes(100));
});

test('a connection that has become quiet keeps no large slab', () => {
  const buffer = new FrameBuffer();
  const payload = bytes(1000);
  const memoryOf = (parts: readonly Buffer[]): number => parts.at(-1)?.buffer.byteLength ?? 0;
  for (let index = 0; index < 50; index += 1) buffer.data(1, payload, 0, 1000, false);
  assert.equal(memoryOf(buffer.take()), 64 * 1024);
  // These go behind the rest of the large slab, which is dropped then.
  buffer.ping(payload.subarray(0, 8), true);
  buffer.take();
  for (let turn = 0; turn < 20; turn += 1) {
    buffer.ping(payload.subarray(0, 8), true);
    buffer.take();
  }
  buffer.ping(payload.subarray(0, 8), true);
  assert.ok(memoryOf(buffer.take()) <= Buffer.poolSize);
});
