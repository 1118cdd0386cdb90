// The bound of docs/security.md: clients that do their worst hold what they may, and no more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { startDaemon } from '../support/daemon.js';
import { servicer } from '../support/paths.js';
import { RawClient } from '../support/raw-client.js';
import { weigh } from '../support/sessions.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const STREAMS = 16;
const CLIENTS = 4;
const LARGEST = 256 * KIB;
const ANSWER = MIB;
/** Of a call by itself, and of a connection besides its calls: as on the page, less what handlers leave unread, for these read all. */
const CALL = 16 * KIB;
const CONNECTION = 2 * MIB;

for (const [mode, config] of Object.entries({
  'lean, connection': { transport: 'lean', balance: 'connection' },
  'lean, rpc': { transport: 'lean', balance: 'rpc' },
} as const)) {
  test(`clients that do their worst hold what they may, and no more (${mode})`, async (context) => {
    await using daemon = await startDaemon({
      config: {
        ...config,
        servicers: [servicer('probe.js'), servicer('scripted.js')],
        nodeArguments: ['--expose-gc'],
        maxConcurrentStreams: STREAMS,
        maxReceiveMessageLength: LARGEST,
      },
      deadline: 60_000,
    });
    const scale = new Client(daemon.address, credentials.createInsecure());
    const before = await weigh(scale);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.connect(daemon.port)));
    try {
      // Half of the streams are messages whose last byte never comes, half are answers that no window is opened for, and
      // there are twice as many as may be.
      const half = STREAMS / 2;
      for (const client of clients) {
        client.greet({ INITIAL_WINDOW_SIZE: 0 });
        await client.settle();
        for (let number = 0; number < half; number += 1) client.call(1 + 2 * number, '/probe.v1.Probe/Echo').message(1 + 2 * number, orderOf(ANSWER), true);
        for (let number = half; number < STREAMS; number += 1) {
          const id = 1 + 2 * number;
          client.call(id, '/probe.v1.Probe/Collect');
          const message = Buffer.alloc(5 + LARGEST - 1);
          message.writeUInt32BE(LARGEST, 1);
          for (let at = 0; at < message.length; at += 16 * KIB) client.data(id, message.subarray(at, at + 16 * KIB));
        }
        for (let number = STREAMS; number < 2 * STREAMS; number += 1) client.call(1 + 2 * number, '/probe.v1.Probe/Collect');
        await client.frameOf('HEADERS', 1 + 2 * (half - 1));
        await client.settle();
        assert.equal(client.received.filter(({ type }) => type === 'RST_STREAM').length, STREAMS, 'those above the limit');
      }
      const bound = CLIENTS * (half * (ANSWER + LARGEST) + STREAMS * CALL + CONNECTION);
      // What a router has, the worker may not have yet.
      const held = await daemon.deadline.poll(async () => {
        const bytes = (await weigh(scale)) - before;
        assert.ok(bytes <= bound, `${bytes} bytes; ${bound} are the bound`);
        return bytes >= CLIENTS * half * (ANSWER + LARGEST) ? bytes : undefined;
      }, 'the worst that they can do');
      context.diagnostic(`${(held / MIB).toFixed(1)} MiB of ${(bound / MIB).toFixed(1)}`);
    } finally {
      for (const client of clients) client[Symbol.dispose]();
    }
    await daemon.deadline.poll(async () => ((await weigh(scale)) - before < 4 * MIB ? true : undefined), 'all of it given back');
    scale.close();
  });
}

/** The message that asks for an answer of so many bytes: field 2, a varint. */
function orderOf(size: number): Buffer {
  const bytes = [0x10];
  let rest = size;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
