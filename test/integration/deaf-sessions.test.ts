// Clients of transport: http2 that break the protocol, are told so, and stay.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERROR_CODE, FLAG, FRAME } from '#src/http2/constants.js';
import { HOLD, MESSAGE } from '../support/conformance/row.js';
import { startDaemon } from '../support/daemon.js';
import { RawClient } from '../support/raw-client.js';

// Each waits for the same period to pass.
describe('clients that node:http2 does not close', { concurrency: true }, () => {
  test('a client that was told GOAWAY for a fault is closed, and its calls with it', async () => {
    await using daemon = await startDaemon({ config: { transport: 'http2' }, deadline: 60_000 });
    const faults: readonly ((client: RawClient) => unknown)[] = [
      (client) => client.data(1, MESSAGE),
      (client) => client.frame(FRAME.PING, 0, 0, Buffer.alloc(7)),
      (client) => client.frame(FRAME.HEADERS, FLAG.END_HEADERS, 3, Buffer.from([0x80])),
    ];
    await Promise.all(faults.map(async (send) => {
      using client = await RawClient.connect(daemon.port);
      client.greet().call(1, HOLD).message(1, Buffer.alloc(0), true);
      await client.frameOf('DATA', 1);
      send(client);
      assert.notEqual((await client.goaway()).code, ERROR_CODE.NO_ERROR);
      await client.end();
    }));
    await daemon.deadline.poll(async () => {
      const [worker] = (await daemon.status()).workers;
      // The connection of the status command is none of these.
      return worker?.inFlight === 0 && worker.connections === 0 ? true : undefined;
    }, 'the end of the calls and connections');
  });

  test('a client that is slow to read, and one that is silent, are left alone', async () => {
    await using daemon = await startDaemon({ config: { transport: 'http2' }, deadline: 60_000 });
    using silent = await RawClient.connect(daemon.port);
    silent.greet();
    await silent.settle();
    using slow = await RawClient.connect(daemon.port);
    slow.greet({ INITIAL_WINDOW_SIZE: 2 ** 31 - 1 });
    slow.out.windowUpdate(0, 2 ** 30);
    await slow.settle();
    slow.socket.pause();
    // 64 MiB: more than the kernel takes for a client that does not read.
    slow.call(1, '/probe.v1.Probe/Repeat').message(1, Buffer.from([8, 64, 16, 0x80, 0x80, 0x40]), true).flush();
    // A deaf client that comes after them is closed after they were looked at.
    for (let round = 0; round < 2; round += 1) {
      using deaf = await RawClient.connect(daemon.port);
      deaf.greet().frame(FRAME.PING, 0, 0, Buffer.alloc(7));
      await deaf.end();
    }
    await silent.settle();
    slow.socket.resume();
    await slow.next(({ id, type, flags }) => id === 1 && type === 'HEADERS' && (flags & FLAG.END_STREAM) !== 0);
  });
});
