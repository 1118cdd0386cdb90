import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Decoder } from '#src/http2/hpack/decoder.js';
import { Cursor, readInteger, writeInteger } from '#src/http2/hpack/integer.js';
import { decodeFields, tableOf } from '../../../support/header-fields.js';

interface Step {
  readonly block: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly table: readonly (readonly [string, string])[];
  readonly size: number;
}

const AUTHORITY = [':authority', 'www.example.com'] as const;
const NO_CACHE = ['cache-control', 'no-cache'] as const;
const CUSTOM = ['custom-key', 'custom-value'] as const;
const GET_HTTP = [[':method', 'GET'], [':scheme', 'http'], [':path', '/']] as const;

function requests(...blocks: readonly [string, string, string]): Step[] {
  return [
    { block: blocks[0], fields: [...GET_HTTP, AUTHORITY], table: [AUTHORITY], size: 57 },
    { block: blocks[1], fields: [...GET_HTTP, AUTHORITY, NO_CACHE], table: [NO_CACHE, AUTHORITY], size: 110 },
    {
      block: blocks[2],
      fields: [[':method', 'GET'], [':scheme', 'https'], [':path', '/index.html'], AUTHORITY, CUSTOM],
      table: [CUSTOM, NO_CACHE, AUTHORITY],
      size: 164,
    },
  ];
}

const PRIVATE = ['cache-control', 'private'] as const;
const LOCATION = ['location', 'https://www.example.com'] as const;
const GZIP = ['content-encoding', 'gzip'] as const;
const COOKIE = ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'] as const;
const DATE = ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'] as const;
const LATER = ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'] as const;

function responses(...blocks: readonly [string, string, string]): Step[] {
  return [
    {
      block: blocks[0],
      fields: [[':status', '302'], PRIVATE, DATE, LOCATION],
      table: [LOCATION, DATE, PRIVATE, [':status', '302']],
      size: 222,
    },
    {
      block: blocks[1],
      fields: [[':status', '307'], PRIVATE, DATE, LOCATION],
      table: [[':status', '307'], LOCATION, DATE, PRIVATE],
      size: 222,
    },
    {
      block: blocks[2],
      fields: [[':status', '200'], PRIVATE, LATER, LOCATION, GZIP, COOKIE],
      table: [COOKIE, GZIP, LATER],
      size: 215,
    },
  ];
}

const SEQUENCES: Readonly<Record<string, { limit: number; steps: readonly Step[] }>> = {
  'C.3, requests': {
    limit: 4096,
    steps: requests(
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ),
  },
  'C.4, requests with Huffman coding': {
    limit: 4096,
    steps: requests(
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ),
  },
  'C.5, responses': {
    limit: 256,
    steps: responses(
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54'
      + '6e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b42'
      + '5a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ),
  },
  'C.6, responses with Huffman coding': {
    limit: 256,
    steps: responses(
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f36'
      + '72c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ),
  },
};

for (const [name, { limit, steps }] of Object.entries(SEQUENCES)) {
  test(`decodes RFC 7541 ${name}, and has the same table after each block`, () => {
    const decoder = new Decoder(limit);
    for (const { block, fields, table, size } of steps) {
      assert.deepEqual(decodeFields(decoder, Buffer.from(block, 'hex')), fields.map(([field, value]) => [field, value, false]));
      assert.equal(decoder.listSize, fields.reduce((sum, [field, value]) => sum + field.length + value.length + 32, 0));
      assert.deepEqual(tableOf(decoder), table);
      assert.equal(decoder.tableSize, size);
    }
  });
}

const SINGLE: readonly [block: string, field: [string, string, boolean], table: number][] = [
  ['400a637573746f6d2d6b65790d637573746f6d2d686561646572', ['custom-key', 'custom-header', false], 55],
  ['040c2f73616d706c652f70617468', [':path', '/sample/path', false], 0],
  ['100870617373776f726406736563726574', ['password', 'secret', true], 0],
  ['82', [':method', 'GET', false], 0],
];

test('decodes the fields of RFC 7541 C.2, each kind with its effect on the table', () => {
  for (const [block, field, size] of SINGLE) {
    const decoder = new Decoder(4096);
    assert.deepEqual(decodeFields(decoder, Buffer.from(block, 'hex')), [field]);
    assert.equal(decoder.tableSize, size);
  }
});

const INTEGERS: readonly [bytes: number[], mask: number, value: number][] = [
  [[0x0a], 0x1f, 10],
  [[0x1f, 0x9a, 0x0a], 0x1f, 1337],
  [[0x2a], 0xff, 42],
];

test('reads and writes the integers of RFC 7541 C.1', () => {
  for (const [bytes, mask, value] of INTEGERS) {
    const cursor = new Cursor(Buffer.from(bytes), 0, bytes.length);
    assert.equal(readInteger(cursor, mask), value);
    assert.equal(cursor.at, bytes.length);
    const target = Buffer.alloc(8);
    assert.deepEqual([...target.subarray(0, writeInteger(target, 0, 0, mask, value))], bytes);
  }
});
