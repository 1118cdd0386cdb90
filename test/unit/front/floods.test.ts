// What a client may not do without end, each kind with the friendly client that comes close.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLOODS, type Flood } from '#src/front/flood-guard.js';
import { ERROR_CODE, FLAG, FRAME } from '#src/http2/constants.js';
import { FrontPair } from '../../support/front-pair.js';
import type { RawClient } from '../../support/raw-client.js';

const PRIORITY = Buffer.from([0, 0, 0, 0, 15]);

interface Case {
  /** Before the flood. */
  readonly first?: (client: RawClient) => unknown;
  /** The `number`th frame of it; ids from 3 on are free. */
  readonly one: (client: RawClient, number: number) => unknown;
  readonly limit: Flood;
  /** Streams that may be open at a time. */
  readonly streams?: number;
}

const open = (client: RawClient): unknown => client.call(1, '/a.B/C');
const idOf = (number: number): number => 3 + 2 * number;

const CASES: Readonly<Record<string, Case>> = {
  'calls that are given up at once': {
    one: (client, number) => {
      client.call(idOf(number), '/a.B/C');
      client.out.rstStream(idOf(number), ERROR_CODE.CANCEL);
    },
    limit: 'resets',
  },
  'calls that we are made to reset': {
    one: (client, number) => {
      client.call(idOf(number), '/a.B/C');
      client.out.windowUpdate(idOf(number), 0);
    },
    limit: 'resets',
  },
  'PING': { one: (client) => client.out.ping(Buffer.alloc(8), false), limit: 'pings' },
  'SETTINGS': { one: (client) => client.out.settings([]), limit: 'settings' },
  'empty DATA': { first: open, one: (client) => client.data(1, Buffer.alloc(0)), limit: 'empty-data' },
  'empty DATA that is padded': { first: open, one: (client) => client.frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.from([2, 0, 0])), limit: 'empty-data' },
  'WINDOW_UPDATE of the connection': { one: (client) => client.out.windowUpdate(0, 1), limit: 'window-updates' },
  'WINDOW_UPDATE of a stream': { first: open, one: (client) => client.out.windowUpdate(1, 1), limit: 'window-updates' },
  'PRIORITY': { one: (client) => client.frame(FRAME.PRIORITY, 0, 5, PRIORITY), limit: 'idle-frames' },
  'frames of unknown types': { one: (client) => client.frame(0xf0, 0, 0), limit: 'idle-frames' },
  'answers to pings that nobody sent': { one: (client) => client.out.ping(Buffer.alloc(8), true), limit: 'idle-frames' },
  'acknowledgements of SETTINGS that nobody sent': { one: (client) => client.out.settingsAck(), limit: 'idle-frames' },
  'GOAWAY': { first: open, one: (client) => client.out.goaway(0, 0, ''), limit: 'idle-frames' },
  'resets of a stream that is over': {
    first: (client) => {
      client.call(1, '/a.B/C');
      client.out.rstStream(1, ERROR_CODE.CANCEL);
    },
    one: (client) => client.out.rstStream(1, ERROR_CODE.CANCEL),
    limit: 'idle-frames',
  },
  'streams above the limit': { first: open, one: (client, number) => client.call(idOf(number), '/a.B/C'), limit: 'refused-streams', streams: 1 },
};

describe('a flood of', () => {
  for (const [name, { first, one, limit, streams = 100 }] of Object.entries(CASES)) {
    test(`${name} ends the connection with ENHANCE_YOUR_CALM, one frame above its burst`, async () => {
      await using pair = await FrontPair.greeted({ maxConcurrentStreams: streams });
      const { client, limited } = pair;
      first?.(client);
      const { burst } = FLOODS[limit];
      // `greeted` has sent a SETTINGS, and pinged.
      const before = limit === 'settings' || limit === 'pings' ? 1 : 0;
      for (let number = 0; number < burst - before; number += 1) one(client, number);
      if (limit === 'pings') await client.next(() => client.received.filter(({ type }) => type === 'PING').length === burst);
      else await client.settle();
      assert.deepEqual(limited, []);
      one(client, burst);
      const { code } = await client.goaway();
      assert.equal(code, ERROR_CODE.ENHANCE_YOUR_CALM);
      await client.end();
      assert.deepEqual(limited, [limit]);
      assert.equal((await pair.closed)?.code, ERROR_CODE.ENHANCE_YOUR_CALM);
    });
  }

  test('resets is none when it takes its time', async () => {
    await using pair = await FrontPair.greeted();
    const { client } = pair;
    const { burst, perSecond } = FLOODS.resets;
    let id = 1;
    const giveUp = (times: number): void => {
      for (let number = 0; number < times; number += 1) {
        client.call(id, '/a.B/C');
        client.out.rstStream(id, ERROR_CODE.CANCEL);
        id += 2;
      }
    };
    giveUp(burst);
    await client.settle();
    for (let second = 0; second < 3; second += 1) {
      pair.clock.advance(1000);
      giveUp(perSecond);
      await client.settle();
    }
    assert.deepEqual(pair.limited, []);
  });

  test('resets is none when as many calls are answered', async () => {
    await using pair = await FrontPair.greeted();
    const { client, link } = pair;
    const rounds = 120;
    for (let round = 0; round < rounds; round += 1) {
      for (let number = 0; number < 100; number += 1) {
        const id = 1 + 2 * (200 * round + number);
        client.call(id, '/a.B/C');
        client.out.rstStream(id, ERROR_CODE.CANCEL);
      }
      const ids = Array.from({ length: 50 }, (_, number) => 1 + 2 * (200 * round + 100 + number));
      for (const id of ids) client.call(id, '/a.B/C', { endStream: true });
      await client.settle();
      for (const id of ids) pair.answer(id, { ':status': '200', 'grpc-status': '0' }, true);
      await client.settle();
    }
    // Half of them are given back, which is just enough.
    assert.equal(link.heard.filter((word) => word.startsWith('reset')).length, rounds * 100);
    assert.deepEqual(pair.limited, []);
  });

  test('window updates is none when they answer DATA', async () => {
    await using pair = await FrontPair.greeted();
    const { client } = pair;
    client.call(1, '/a.B/C', { endStream: true });
    await client.settle();
    pair.answer(1, { ':status': '200' });
    const rounds = Math.ceil((FLOODS['window-updates'].burst * 1.5) / 400);
    for (let round = 0; round < rounds; round += 1) {
      for (let frame = 0; frame < 100; frame += 1) pair.data(1, Buffer.alloc(10));
      for (let frame = 0; frame < 200; frame += 1) {
        client.out.windowUpdate(1, 10);
        client.out.windowUpdate(0, 10);
      }
      await client.settle();
    }
    assert.deepEqual(pair.limited, []);
  });
});

describe('pings of a client', () => {
  const limits = { keepalive: { time: null, timeout: 20_000, minClientInterval: 300_000 } };

  test('that are too frequent while it is sent nothing are strikes, and the third is the last: too_many_pings', async () => {
    await using pair = await FrontPair.open(limits);
    pair.client.greet();
    for (let ping = 0; ping < 3; ping += 1) {
      await pair.client.settle();
      pair.clock.advance(60_000);
    }
    assert.deepEqual(pair.limited, []);
    pair.client.out.ping(Buffer.alloc(8), false);
    const { code, text } = await pair.client.goaway();
    assert.deepEqual([code, text], [ERROR_CODE.ENHANCE_YOUR_CALM, 'too_many_pings']);
    assert.deepEqual(pair.limited, ['pings']);
    await pair.client.end();
  });

  test('are no strikes at the pace that is permitted', async () => {
    await using pair = await FrontPair.open(limits);
    pair.client.greet();
    for (let ping = 0; ping < 10; ping += 1) {
      await pair.client.settle();
      pair.clock.advance(300_000);
    }
    assert.deepEqual(pair.limited, []);
  });

  test('are no strikes while DATA is sent to it: so clients measure the way', async () => {
    await using pair = await FrontPair.open(limits);
    const { client } = pair;
    client.greet();
    client.call(1, '/a.B/C', { endStream: true });
    await client.settle();
    pair.answer(1, { ':status': '200' });
    for (let ping = 0; ping < 10; ping += 1) {
      pair.data(1, Buffer.alloc(10));
      await client.settle();
    }
    assert.deepEqual(pair.limited, []);
  });
});

describe('pings of a client that has calls', () => {
  const limits = { keepalive: { time: null, timeout: 20_000, minClientInterval: 300_000 } };

  test('are no strikes while DATA leaves that was there long before: a slow client measures its way, too', async () => {
    await using pair = await FrontPair.open(limits);
    const { client } = pair;
    client.greet({ INITIAL_WINDOW_SIZE: 1 << 20 });
    client.call(1, '/a.B/C', { endStream: true });
    await client.settle();
    pair.answer(1, { ':status': '200' });
    // Eight times the window of the connection.
    for (let frame = 0; frame < 32; frame += 1) pair.data(1, Buffer.alloc(16_384));
    for (let round = 0; round < 8; round += 1) {
      await client.settle();
      client.out.windowUpdate(0, 65_535);
    }
    await client.settle();
    assert.deepEqual(pair.limited, []);
  });

  test('are no strikes every ten seconds, though their calls are silent', async () => {
    await using pair = await FrontPair.open(limits);
    const { client } = pair;
    client.greet();
    client.call(1, '/a.B/C', { endStream: true });
    for (let ping = 0; ping < 30; ping += 1) {
      await client.settle();
      // Not all of them take the same time.
      pair.clock.advance(ping % 2 === 0 ? 9_000 : 11_000);
    }
    assert.deepEqual(pair.limited, []);
  });

  test('are strikes every second', async () => {
    await using pair = await FrontPair.open(limits);
    const { client } = pair;
    client.greet();
    client.call(1, '/a.B/C', { endStream: true });
    for (let ping = 0; ping < 3; ping += 1) {
      await client.settle();
      pair.clock.advance(1000);
    }
    client.out.ping(Buffer.alloc(8), false);
    assert.equal((await client.goaway()).text, 'too_many_pings');
    await client.end();
  });
});

describe('a client that drips', () => {
  const limits = { keepalive: { time: 10_000, timeout: 1000, minClientInterval: null } };

  test('its header block gives no sign of life', async () => {
    await using pair = await FrontPair.greeted(limits);
    const { client, clock } = pair;
    client.frame(FRAME.HEADERS, 0, 1, Buffer.from([0x82]));
    for (let piece = 0; piece < 10; piece += 1) {
      client.frame(FRAME.CONTINUATION, 0, 1, Buffer.from([0x84]));
      await turn(client);
      clock.advance(1000);
    }
    await client.frameOf('PING', 0, client.received.findIndex(({ type }) => type === 'PING') + 1);
    client.frame(FRAME.CONTINUATION, 0, 1, Buffer.from([0x84]));
    await turn(client);
    clock.advance(1000);
    await client.end();
    assert.deepEqual(pair.limited, ['silent']);
  });

  test('a frame gives no sign of life', async () => {
    await using pair = await FrontPair.greeted(limits);
    const { client, clock } = pair;
    client.frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, Buffer.from([0x82]), 5);
    for (let piece = 0; piece < 3; piece += 1) {
      client.bytes(Buffer.from([0x84]));
      await turn(client);
      clock.advance(5000);
    }
    clock.advance(1000);
    await client.end();
    assert.deepEqual(pair.limited, ['silent']);
  });
});

describe('a client that comes to other limits is counted', () => {
  test('without a word for ten seconds: hello', async () => {
    await using pair = await FrontPair.open();
    pair.clock.advance(10_000);
    await pair.client.end();
    assert.deepEqual(pair.limited, ['hello']);
  });

  test('without the acknowledgement of our SETTINGS: settings-ack', async () => {
    await using pair = await FrontPair.open();
    pair.client.out.preface();
    pair.client.out.settings([]);
    await pair.client.frameOf('SETTINGS', 0, 1);
    pair.clock.advance(10_000);
    assert.equal((await pair.client.goaway()).code, ERROR_CODE.SETTINGS_TIMEOUT);
    assert.deepEqual(pair.limited, ['settings-ack']);
  });

  test('with more CONTINUATION than a header block may have: header-block', async () => {
    await using pair = await FrontPair.greeted();
    pair.client.frame(FRAME.HEADERS, 0, 1);
    for (let piece = 0; piece < 32; piece += 1) pair.client.frame(FRAME.CONTINUATION, 0, 1);
    assert.equal((await pair.client.goaway()).code, ERROR_CODE.ENHANCE_YOUR_CALM);
    assert.deepEqual(pair.limited, ['header-block']);
  });

  test('without a call for maxConnectionIdle: idle', async () => {
    await using pair = await FrontPair.greeted({ maxConnectionIdle: 5000 });
    pair.clock.advance(5000);
    await pair.client.frameOf('GOAWAY');
    assert.deepEqual(pair.limited, ['idle']);
  });
});

/** What was written has been read at the other end, whatever that thinks of it. */
async function turn(client: RawClient): Promise<void> {
  await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
  for (let loop = 0; loop < 5; loop += 1) await new Promise((resolve) => setImmediate(resolve));
}
