import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERROR_CODE, SETTING } from '#src/http2/constants.js';
import { parseSettings } from '#src/http2/settings.js';

function pairs(...list: readonly (readonly [number, number])[]): Buffer {
  return Buffer.concat(list.map(([id, value]) => {
    const pair = Buffer.alloc(6);
    pair.writeUInt16BE(id, 0);
    pair.writeUInt32BE(value, 2);
    return pair;
  }));
}

function parse(payload: Buffer): [number, number][] {
  const settings: [number, number][] = [];
  const buffer = Buffer.concat([Buffer.from('..'), payload, Buffer.from('.....')]);
  parseSettings(buffer, 2, 2 + payload.length, (id, value) => settings.push([id, value]));
  return settings;
}

test('passes settings in order, the same one twice and unknown ones too', () => {
  const list: [number, number][] = [
    [SETTING.INITIAL_WINDOW_SIZE, 2 ** 31 - 1],
    [SETTING.HEADER_TABLE_SIZE, 2 ** 32 - 1],
    [SETTING.ENABLE_PUSH, 0],
    [SETTING.ENABLE_PUSH, 1],
    [SETTING.MAX_FRAME_SIZE, 16_384],
    [SETTING.MAX_FRAME_SIZE, 2 ** 24 - 1],
    [SETTING.INITIAL_WINDOW_SIZE, 0],
    [0xfe03, 2 ** 32 - 1],
  ];
  assert.deepEqual(parse(pairs(...list)), list);
  assert.deepEqual(parse(pairs()), []);
});

test('a length that is no multiple of 6 is FRAME_SIZE_ERROR', () => {
  assert.throws(() => parse(Buffer.alloc(5)), { name: 'ConnectionError', code: ERROR_CODE.FRAME_SIZE_ERROR });
  assert.throws(() => parse(Buffer.alloc(13)), { name: 'ConnectionError', code: ERROR_CODE.FRAME_SIZE_ERROR });
});

const REFUSED: readonly [why: string, id: number, value: number, code: number][] = [
  ['ENABLE_PUSH of 2', SETTING.ENABLE_PUSH, 2, ERROR_CODE.PROTOCOL_ERROR],
  ['INITIAL_WINDOW_SIZE of 2^31', SETTING.INITIAL_WINDOW_SIZE, 2 ** 31, ERROR_CODE.FLOW_CONTROL_ERROR],
  ['MAX_FRAME_SIZE of 16383', SETTING.MAX_FRAME_SIZE, 16_383, ERROR_CODE.PROTOCOL_ERROR],
  ['MAX_FRAME_SIZE of 2^24', SETTING.MAX_FRAME_SIZE, 2 ** 24, ERROR_CODE.PROTOCOL_ERROR],
];

for (const [why, id, value, code] of REFUSED) {
  test(`${why} is refused`, () => {
    assert.throws(() => parse(pairs([id, value])), { name: 'ConnectionError', code });
  });
}
