// A hostile client in a process of its own: floods one connection until it is closed, and comes again, until it is killed.
//   node attacker.js PORT KIND PAUSE     PAUSE: milliseconds before it comes again
import { once } from 'node:events';
import { connect } from 'node:net';
import { FrameBuffer } from '../../dist/http2/frame-buffer.js';
import { RawClient } from './raw-client.js';

/** Frames that go out before the socket is asked whether it takes more. */
const BATCH = 200;
const BLOCK = RawClient.block('Echo');
const CANCEL = 8;

const KINDS = {
  resets(out, number) {
    const id = 1 + 2 * number;
    out.headers(id, BLOCK, 0, BLOCK.length, false);
    out.rstStream(id, CANCEL);
  },
  pings: (out) => out.ping(Buffer.alloc(8), false),
  settings: (out) => out.settings([]),
  'window-updates': (out) => out.windowUpdate(0, 1),
  'unknown-methods'(out, number) {
    out.headers(1 + 2 * number, UNKNOWN, 0, UNKNOWN.length, true);
  },
};
const UNKNOWN = RawClient.block('Nothing');

const [port, kind, pause] = process.argv.slice(2);
for (;;) {
  await flood(Number(port), KINDS[kind]);
  await new Promise((resolve) => setTimeout(resolve, Number(pause)));
}

async function flood(to, write) {
  const socket = connect(to, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close').catch(() => undefined);
  socket.resume();
  const out = new FrameBuffer();
  out.preface();
  out.settings([]);
  out.settingsAck();
  for (let number = 0; !socket.destroyed; number += 1) {
    write(out, number);
    if (number % BATCH !== 0) continue;
    for (const buffer of out.take()) socket.write(buffer);
    await Promise.race([closed, new Promise((resolve) => (socket.writableNeedDrain ? socket.once('drain', resolve) : setImmediate(resolve)))]);
  }
}
