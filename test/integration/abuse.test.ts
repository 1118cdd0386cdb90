// Hostile and broken clients, each beside a well-behaved one on the same worker: none of its calls may fail, and what
// they held is given back when they are gone. One daemon for each mode takes all of it, one after the other.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { FRAME } from '#src/http2/constants.js';
import type { ClientLimit } from '#src/shared/client-limits.js';
import type { Load } from '../support/calls.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { openFiles } from '../support/processes.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { RawClient } from '../support/raw-client.js';
import { scrape } from '../support/scrape.js';
import { weigh } from '../support/sessions.js';

const IS_PROOF = process.env.PROVE !== undefined;
/** Full counts take minutes, and gigabytes of loopback. */
const COUNT = IS_PROOF
  ? { cancels: 5000, frames: 20_000, streams: 20_000, connections: 10_000, storm: 5000, answers: 100 }
  : { cancels: 5000, frames: 12_000, streams: 2000, connections: 200, storm: 200, answers: 20 };
const MIB = 2 ** 20;
const ANSWER = 3 * MIB;
/** What worker and test may keep of it all, heap and buffers. */
const KEPT = 8 * MIB;
const ECHO = '/probe.v1.Probe/Echo';
const COLLECT = '/probe.v1.Probe/Collect';
/** ENHANCE_YOUR_CALM. */
const CALM = 11;

const MODES = {
  'http2, connection': { transport: 'http2', balance: 'connection' },
  'lean, connection': { transport: 'lean', balance: 'connection' },
  'lean, rpc': { transport: 'lean', balance: 'rpc' },
} as const;

/** Frames of one kind without end; with `transport: lean` the client is sent away. */
const FLOODS: Readonly<Record<string, { readonly one: (client: RawClient, number: number) => unknown; readonly limit: ClientLimit; readonly first?: true }>> = {
  'rapid resets': {
    one: (client, number) => {
      client.call(3 + 2 * number, ECHO);
      client.out.rstStream(3 + 2 * number, 8);
    },
    limit: 'resets',
  },
  'PING': { one: (client) => client.out.ping(Buffer.alloc(8), false), limit: 'pings' },
  'SETTINGS': { one: (client) => client.out.settings([]), limit: 'settings' },
  'empty DATA': { one: (client) => client.data(1, Buffer.alloc(0)), limit: 'empty-data', first: true },
  'WINDOW_UPDATE': { one: (client) => client.out.windowUpdate(0, 1), limit: 'window-updates' },
  'CONTINUATION': {
    one: (client, number) => client.frame(number === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, 0, 1, number === 0 ? Buffer.from([0x82]) : undefined),
    limit: 'header-block',
  },
};

for (const [name, mode] of Object.entries(MODES)) {
  const isLean = mode.transport === 'lean';

  describe(`beside a well-behaved client (${name})`, () => {
    let daemon: Daemon;
    let neighbour: GrpcJsProbe;
    let load: Load;
    let scale: Client;
    let weightBefore: number;
    let filesBefore: readonly number[];

    /** The processes that hold connections. */
    const holders = async (): Promise<number[]> => {
      const { workers, routers } = await daemon.status();
      return [...workers, ...routers].map(({ pid }) => pid);
    };
    /** Only the neighbour's two connections are left, and its calls. */
    const alone = (): Promise<true> =>
      daemon.deadline.poll(async () => {
        const { workers, routers } = await daemon.status();
        const connections = (mode.balance === 'rpc' ? routers : workers).reduce((sum, each) => sum + each.connections, 0);
        const inFlight = workers.reduce((sum, each) => sum + each.inFlight, 0);
        return connections === 2 && inFlight <= 2 ? true : undefined;
      }, 'nothing left of the others', () => daemon.log.text);
    const attack = async <T>(action: (client: RawClient) => Promise<T>): Promise<T> => {
      using client = await RawClient.connect(daemon.port);
      return await action(client);
    };

    before(async () => {
      daemon = await startDaemon({
        config: {
          ...mode,
          admin: '127.0.0.1:0',
          servicers: [servicer('probe.js'), servicer('scripted.js')],
          nodeArguments: ['--expose-gc'],
          keepalive: { time: '2s', timeout: '1500ms' },
        },
        deadline: IS_PROOF ? 600_000 : 120_000,
      });
      scale = new Client(daemon.address, credentials.createInsecure());
      neighbour = new GrpcJsProbe(daemon.address);
      const warm = neighbour.load('Probe/Echo', { body: Buffer.alloc(100) }, 2);
      await daemon.until(warm.loading, 'the first call');
      await warm.stop();
      weightBefore = await weigh(scale);
      filesBefore = (await holders()).map(openFiles);
      load = neighbour.load('Probe/Echo', { body: Buffer.alloc(100) }, 2);
    });

    after(async () => {
      await neighbour[Symbol.asyncDispose]();
      scale.close();
      await daemon[Symbol.asyncDispose]();
    });

    for (const [flood, { one, limit, first }] of Object.entries(FLOODS)) {
      test(`a flood of ${flood} harms nobody`, () =>
        attack(async (client) => {
          client.greet();
          if (first === true) client.call(1, COLLECT);
          for (let number = 0; number < COUNT.frames && !client.socket.destroyed; number += 1) {
            one(client, number);
            if (number % 500 === 499) await flushed(client);
          }
          await flushed(client);
          if (!isLean) return;
          assert.equal((await client.goaway()).code, CALM);
          await client.end();
          await daemon.waitFor('connection.limited', { reason: limit });
        }));
    }

    test('a flood of calls of unknown methods harms nobody, and all are answered', () =>
      attack(async (client) => {
        client.greet();
        const calls = COUNT.frames / 10;
        for (let number = 0; number < calls; number += 1) {
          client.call(1 + 2 * number, '/no.Such/Method', { endStream: true });
          if (number % 200 === 199) await client.frameOf('HEADERS', 1 + 2 * number);
        }
        await client.frameOf('HEADERS', 2 * calls - 1);
        assert.equal(client.received.filter(({ type }) => type === 'HEADERS').length, calls);
      }));

    // node:http2 sends a client away that resets a thousand streams, its other calls with it (docs/security.md).
    test(`a client that gives up ${COUNT.cancels} of its calls loses no other call on its connection`, { skip: !isLean && 'node:http2 takes it for an attack' }, async () => {
      await using client = new GrpcJsProbe(daemon.address);
      const innocent = client.open('Probe/Hold', { key: 'innocent' }, { timeoutMs: 60_000 });
      await daemon.until(innocent.first, 'the innocent call');
      for (let made = 0; made < COUNT.cancels; made += 250) {
        const calls = Array.from({ length: 250 }, () => client.open('Probe/Repeat', { times: 2, size: 10, ms: 500 }, { cancelAfter: 1, timeoutMs: 60_000 }).outcome);
        const codes = (await daemon.until(Promise.all(calls), 'the end of the calls')).map(({ code }) => code);
        assert.deepEqual([...new Set(codes)], ['CANCELLED']);
      }
      innocent.cancel();
      assert.equal((await innocent.outcome).code, 'CANCELLED', 'it was there until now');
      assert.equal(daemon.log.all('connection.limited', { reason: 'resets' }).length, 1, 'that of the flood');
    });

    // node:http2 begins no further call on a connection that has about 256 MB to send (docs/security.md).
    const answers = isLean ? COUNT.answers : Math.min(COUNT.answers, 80);
    test(`${answers} answers of 3 MiB for a client that opens no window cost memory while it stays, and none afterwards`, () =>
      attack(async (client) => {
        client.answerPings().greet({ INITIAL_WINDOW_SIZE: 0 });
        // Field 2, a varint: what the servicer is to answer with.
        const order = Buffer.concat([Buffer.from([0x10]), varint(ANSWER)]);
        for (let number = 0; number < answers; number += 1) client.call(1 + 2 * number, ECHO).message(1 + 2 * number, order, true);
        await client.frameOf('HEADERS', 2 * answers - 1);
        assert.ok(!client.received.some(({ type }) => type === 'DATA'), 'not without a window');
        const weight = await weigh(scale);
        assert.ok(weight - weightBefore < answers * ANSWER + 64 * MIB, `${weight - weightBefore} bytes`);
      }));

    test('a body, a header block, and nothing at all that drip harm nobody, and the silent are sent away', async () => {
      using body = await RawClient.connect(daemon.port);
      using block = await RawClient.connect(daemon.port);
      using nothing = await RawClient.connect(daemon.port);
      using deaf = await RawClient.connect(daemon.port);
      body.greet().call(1, COLLECT).flush();
      block.greet().frame(FRAME.HEADERS, 0, 1, Buffer.from([0x82]));
      nothing.greet().flush();
      deaf.greet().call(1, ECHO).flush();
      deaf.socket.pause();
      const drip = setInterval(() => {
        body.data(1, Buffer.from([0])).flush();
        if (!block.socket.destroyed) block.frame(FRAME.CONTINUATION, 0, 1, Buffer.from([0]));
      }, 200);
      try {
        await Promise.all([block.end(), nothing.end()]);
      } finally {
        clearInterval(drip);
      }
      deaf.socket.resume();
      await deaf.end();
    });

    test(`${COUNT.streams} streams on one connection are no more than it may have`, () =>
      attack(async (client) => {
        client.greet();
        for (let number = 0; number < COUNT.streams; number += 1) client.call(1 + 2 * number, COLLECT);
        await client.next(() => client.received.filter(({ type }) => type === 'RST_STREAM').length >= COUNT.streams - 1000 || client.socket.destroyed).catch(() => undefined);
        const { workers } = await daemon.status();
        assert.ok((workers[0]?.inFlight ?? 0) <= 1000 + 2, 'maxConcurrentStreams, and the neighbour');
      }));

    test(`${COUNT.connections} idle connections, and ${COUNT.storm} that come and go, harm nobody`, async () => {
      const idle: RawClient[] = [];
      try {
        for (let number = 0; number < COUNT.connections; number += 1) idle.push((await RawClient.connect(daemon.port)).answerPings().greet().flush());
        for (let number = 0; number < COUNT.storm; number += 1) (await RawClient.connect(daemon.port))[Symbol.dispose]();
        await Promise.all(idle.map((client) => client.frameOf('SETTINGS', 0)));
        assert.equal(idle.filter(({ socket }) => socket.destroyed).length, 0);
      } finally {
        for (const client of idle) client[Symbol.dispose]();
      }
    });

    test('no call of the neighbour has failed, no socket is left, and the memory is back', async (context) => {
      const { calls, codes, details } = await daemon.until(load.stop(), 'the end of the load');
      assert.deepEqual(codes, { OK: calls }, `${JSON.stringify(details)}\n${daemon.log.text}`);
      await alone();
      // What has just been closed, Node lets go of some turns later.
      const left = await daemon.deadline.poll(async () => {
        const bytes = (await weigh(scale)) - weightBefore;
        return bytes < KEPT ? bytes : undefined;
      }, 'the memory given back');
      context.diagnostic(`${calls} calls beside it; ${(left / MIB).toFixed(1)} MiB more than before`);
      const files = (await holders()).map(openFiles);
      for (const [index, count] of files.entries()) assert.ok(count <= (filesBefore[index] ?? 0) + 4, `descriptors: ${files.join()}, before ${filesBefore.join()}`);
    });

    test('every limit that a client came to is counted', { skip: !isLean && 'node:http2 counts nothing' }, async () => {
      const limits = [...new Set(Object.values(FLOODS).map(({ limit }) => limit)), 'silent'];
      const page = await scrape(daemon);
      for (const reason of limits) assert.ok(page.sum('grpcserverd_client_limits_total', { reason }) >= 1, reason);
      const { workers, routers } = await daemon.status();
      const counted = mode.balance === 'rpc' ? routers : workers;
      assert.deepEqual(limits.filter((reason) => !counted.some((each) => Object.keys(each.limits).includes(reason))), []);
      assert.match((await daemon.command('status')).stdout, /^Limits +.*resets 1/m);
    });
  });
}

/** Everything has been given to the kernel, or the server has closed. */
async function flushed(client: RawClient): Promise<void> {
  client.flush();
  if (client.socket.destroyed) return;
  await Promise.race([client.closed, new Promise<void>((resolve) => client.socket.write('', () => resolve()))]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
