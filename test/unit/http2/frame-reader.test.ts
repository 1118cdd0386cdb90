import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE, FLAG, FRAME } from '#src/http2/constants.js';
import { FrameReader } from '#src/http2/frame-reader.js';
import { randomFrom } from '../../support/random.js';

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

const FRAME_SIZE_ERROR = { name: 'ConnectionError', code: ERROR_CODE.FRAME_SIZE_ERROR };

function encode({ type, flags, id, payload }: Frame): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, payload]);
}

function frame(length: number, id = 1): Frame {
  return { type: 0, flags: 0, id, payload: Buffer.alloc(length, id) };
}

function collect(): { reader: FrameReader; frames: Frame[] } {
  const frames: Frame[] = [];
  const reader = new FrameReader((type, flags, id, buffer, start, end) => {
    frames.push({ type, flags, id, payload: buffer.subarray(start, end) });
  });
  return { reader, frames };
}

/** With the parts of a DATA frame put together. Whole frames of a stream never stand behind each other in what is read here. */
function joinParts(frames: readonly Frame[]): Frame[] {
  const joined: Frame[] = [];
  for (const next of frames) {
    const last = joined.at(-1);
    const isRest = last?.type === FRAME.DATA && next.type === FRAME.DATA && last.id === next.id && (last.flags & FLAG.END_STREAM) === 0;
    if (isRest) joined.splice(-1, 1, { ...next, payload: Buffer.concat([last.payload, next.payload]) });
    else joined.push(next);
  }
  return joined;
}

test('any cut of the bytes gives the same frames, but that large parts of DATA come as soon as they can', () => {
  const random = randomFrom(1);
  let parts = 0;
  for (let round = 0; round < 200; round += 1) {
    const isData = round % 2 === 0;
    const frames = Array.from({ length: 1 + Math.floor(random() * 20) }, (_, index): Frame => ({
      type: isData ? FRAME.DATA : Math.floor(random() * 256),
      flags: isData && random() < 0.7 ? Math.floor(random() * 2) : Math.floor(random() * 256),
      id: Math.floor(random() * 2 ** 30) * 2 + (index % 2),
      payload: Buffer.from(Array.from({ length: Math.floor(random() ** (isData ? 1 : 4) * 16_385) }, () => Math.floor(random() * 256))),
    }));
    const bytes = Buffer.concat(frames.map(encode));
    const { reader, frames: found } = collect();
    const kept: Frame[] = [];
    const most = 1 + Math.floor(random() ** 3 * 40_000);
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + Math.ceil(random() * most));
      // A chunk of its own, which is overwritten as soon as it was read: nothing that is held may lie in it.
      const chunk = Buffer.from(bytes.subarray(at, end));
      reader.push(chunk);
      kept.push(...found.splice(0).map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload) })));
      chunk.fill(0xee);
      at = end;
    }
    assert.equal(reader.buffered, 0);
    assert.deepEqual(joinParts(kept), frames);
    parts += kept.length - frames.length;
  }
  assert.ok(parts > 100, `${parts} parts more than frames`);
});

test('in turns it passes the same frames in the same order, never more in one than fit, whatever comes meanwhile', () => {
  const random = randomFrom(2);
  for (let round = 0; round < 20; round += 1) {
    const frames = Array.from({ length: 4000 }, (): Frame => ({
      type: random() < 0.5 ? FRAME.HEADERS : FRAME.PING, flags: 0, id: Math.floor(random() * 2 ** 31), payload: Buffer.alloc(Math.floor(random() * 40), 7),
    }));
    const bytes = Buffer.concat(frames.map(encode));
    const found: Frame[] = [];
    let calls = 0;
    const reader = new FrameReader((type, flags, id, buffer, start, end) => {
      assert(!reader.isPaused);
      calls += type === FRAME.HEADERS ? 1 : 0;
      found.push({ type, flags, id, payload: Buffer.from(buffer.subarray(start, end)) });
    }, undefined, () => {
      assert(calls > 0 && calls <= 65, `${calls} in a turn`);
      calls = 0;
    });
    let pauses = 0;
    for (let at = 0; at < bytes.length || reader.isPaused;) {
      if (reader.isPaused && (at >= bytes.length || random() < 0.5)) {
        pauses += 1;
        reader.goOn();
        continue;
      }
      const end = Math.min(bytes.length, at + Math.ceil(random() * 20_000));
      reader.push(bytes.subarray(at, end));
      at = end;
    }
    assert.ok(pauses >= 30, `${pauses} pauses`);
    assert.deepEqual(found, frames);
  }
});

test('a turn that has begun anew takes as much as the first one, and a reader that was stopped in its pause passes nothing', () => {
  let passed = 0;
  const reader = new FrameReader(() => (passed += 1), undefined, () => undefined);
  const bytes = Buffer.concat(Array.from({ length: 64 }, (_, index) => encode({ ...frame(1, index), type: FRAME.HEADERS })));
  for (let turn = 0; turn < 3; turn += 1) {
    reader.beginTurn();
    reader.push(bytes);
    assert.ok(!reader.isPaused);
  }
  reader.push(bytes);
  assert.ok(reader.isPaused);
  assert.equal(passed, 3 * 64);
  reader.stop();
  reader.goOn();
  assert.equal(passed, 3 * 64);
});

test('each cut of two frames in two gives both', () => {
  const bytes = Buffer.concat([encode(frame(5, 3)), encode(frame(0, 5))]);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { reader, frames } = collect();
    reader.push(Buffer.from(bytes.subarray(0, cut)));
    reader.push(Buffer.from(bytes.subarray(cut)));
    assert.deepEqual(frames, [frame(5, 3), frame(0, 5)], `${cut}`);
  }
});

test('the payload of a frame that is whole in its chunk is not copied', () => {
  const chunk = Buffer.concat([encode(frame(5)), encode(frame(6))]);
  const { reader, frames } = collect();
  reader.push(chunk);
  assert.deepEqual(frames.map(({ payload }) => payload.buffer === chunk.buffer), [true, true]);
});

test('a split frame lies in memory of its own, which is not used again', () => {
  const { reader, frames } = collect();
  for (const id of [1, 3]) {
    const bytes = encode(frame(100, id));
    reader.push(bytes.subarray(0, 50));
    reader.push(bytes.subarray(50));
  }
  assert.deepEqual(frames, [frame(100, 1), frame(100, 3)]);
});

test('what has come of a DATA frame is passed where it lies, from 2048 bytes on; END_STREAM is on the last part', () => {
  const whole = encode({ ...frame(16_384), flags: FLAG.END_STREAM });
  const chunks = [[0, 2056], [2056, 2057], [2057, 5000], [5000, 7048], [7048, whole.length]].map(([from, to]) => Buffer.from(whole.subarray(from, to)));
  const { reader, frames } = collect();
  const held = chunks.map((chunk) => {
    reader.push(chunk);
    return [frames.length, reader.buffered];
  });
  // 2047 bytes of payload are too few. Held once, they wait for all of it.
  assert.deepEqual(held, [[0, 2056], [0, 2057], [0, 5000], [0, 7048], [1, 0]]);

  const parted = collect();
  const cuts = [9 + 2048, 9 + 4096, 9 + 4100, 9 + 12_000, whole.length];
  let from = 0;
  const seen = cuts.map((to) => {
    const chunk = Buffer.from(whole.subarray(from, to));
    from = to;
    const before = parted.frames.length;
    parted.reader.push(chunk);
    return parted.frames.slice(before).map(({ flags, payload }) => [flags, payload.length, payload.buffer === chunk.buffer]);
  });
  assert.deepEqual(seen, [[[0, 2048, true]], [[0, 2048, true]], [], [], [[FLAG.END_STREAM, 12_288, false]]]);
  assert.deepEqual(joinParts(parted.frames), [{ ...frame(16_384), flags: FLAG.END_STREAM }]);

  const atHeader = collect();
  atHeader.reader.push(whole.subarray(0, 9));
  const rest = Buffer.from(whole.subarray(9));
  atHeader.reader.push(rest);
  assert.deepEqual(atHeader.frames.map(({ payload }) => payload.buffer === rest.buffer), [true]);
});

test('padded DATA and all other frames are passed whole', () => {
  for (const over of [{ flags: FLAG.PADDED }, { type: FRAME.HEADERS }]) {
    const { reader, frames } = collect();
    const one = { ...frame(10_000), ...over };
    const bytes = encode(one);
    reader.push(bytes.subarray(0, 5000));
    assert.equal(frames.length, 0);
    reader.push(bytes.subarray(5000));
    assert.deepEqual(frames, [one]);
  }
});

test('a reader that was stopped by the first part of a frame passes no other', () => {
  let passed = 0;
  const reader = new FrameReader(() => {
    passed += 1;
    reader.stop();
  });
  const bytes = encode(frame(10_000));
  reader.push(bytes.subarray(0, 5000));
  reader.push(bytes.subarray(5000));
  assert.equal(passed, 1);
  assert.equal(reader.buffered, 0);
});

test('the reserved bit of an id is ignored', () => {
  const { reader, frames } = collect();
  reader.push(encode({ ...frame(0), id: 2 ** 31 + 7 }));
  assert.equal(frames[0]?.id, 7);
});

test('says how much it holds of a frame', () => {
  const { reader } = collect();
  const bytes = encode(frame(1000));
  reader.push(bytes.subarray(0, 4));
  assert.equal(reader.buffered, 4);
  reader.push(bytes.subarray(4, 700));
  assert.equal(reader.buffered, 700);
  reader.push(bytes.subarray(700));
  assert.equal(reader.buffered, 0);
});

test('a frame above the limit is refused by its header, wherever that is cut', () => {
  const bytes = encode(frame(16_385));
  for (let cut = 0; cut < 9; cut += 1) {
    const { reader, frames } = collect();
    reader.push(encode(frame(16_384)));
    assert.throws(() => {
      reader.push(bytes.subarray(0, cut));
      reader.push(bytes.subarray(cut, 9));
    }, FRAME_SIZE_ERROR);
    assert.equal(frames.length, 1);
    assert.ok(reader.buffered <= 9);
  }
  const narrow = new FrameReader(() => undefined, 10);
  narrow.push(encode(frame(10)));
  assert.throws(() => narrow.push(encode(frame(11))), FRAME_SIZE_ERROR);
});

test('what the visitor throws passes through', () => {
  const reader = new FrameReader(() => {
    throw new RangeError('no');
  });
  assert.throws(() => reader.push(encode(frame(1))), RangeError);
  const bytes = encode(frame(1));
  const cut = new FrameReader(() => {
    throw new RangeError('no');
  });
  cut.push(bytes.subarray(0, 3));
  assert.throws(() => cut.push(bytes.subarray(3)), RangeError);
});

test('stopped within a frame, it ignores the rest of the chunk and all that follows', () => {
  for (const cut of [0, 5, 20]) {
    const ids: number[] = [];
    const reader = new FrameReader((_type, _flags, id) => {
      ids.push(id);
      if (id === 3) reader.stop();
    });
    const bytes = Buffer.concat([1, 3, 5, 7].map((id) => encode(frame(10, id))));
    reader.push(bytes.subarray(0, 19 + cut));
    reader.push(bytes.subarray(19 + cut));
    reader.push(encode(frame(10, 9)));
    assert.deepEqual(ids, [1, 3], `${cut}`);
    assert.equal(reader.buffered, 0);
  }
});

test('a large frame in single bytes costs as much for each byte as a small one', () => {
  const perByte = (length: number): number => {
    const { reader } = collect();
    const one = encode(frame(length));
    const bytes = Array.from(one, (_, at) => one.subarray(at, at + 1));
    const since = process.cpuUsage().user;
    for (let round = 0; round < 160_000 / length; round += 1) for (const byte of bytes) reader.push(byte);
    return (process.cpuUsage().user - since) / Math.ceil(160_000 / length) / length;
  };
  perByte(16_000);
  const [small, large] = [perByte(500), perByte(16_000)];
  assert.ok(large < small * 8, `${large} us a byte, and ${small} in small frames`);
});
