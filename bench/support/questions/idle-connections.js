// Memory, and what of it connections take that do nothing.
import { once } from 'node:events';
import { connect } from 'node:net';
import { FrameBuffer } from '../../../dist/http2/frame-buffer.js';
import { cell, inRounds, startPeer } from '../peers/round.js';
import { memoryOf } from '../peers/usage.js';
import { barChart } from '../plot.js';

const AT_ONCE = 100;
/** In milliseconds: what a start or a connection does once is over. */
const SETTLE = 1500;
const GREET_TIMEOUT = 20_000;

const frames = new FrameBuffer();
frames.preface();
frames.settings([]);
const HELLO = Buffer.concat(frames.take());
frames.settingsAck();
const ACK = Buffer.concat(frames.take());

export async function ask(bench) {
  const { report, isQuick, cores, peers } = bench;
  const steps = isQuick ? [50, 200] : [1000, 10_000];
  report.say('\n## What do idle connections cost?\n');
  report.say(`PSS in MB of all processes that serve (${cores} workers, primary, router, proxy), after the first call, with no connection and with ${steps.map((step) => step.toLocaleString('en-US')).join(' and ')} that have exchanged `
    + 'SETTINGS; and KiB for each of the most. One start each. PSS divides what processes share, so a first process of Node counts for more than the next.');
  const results = await inRounds(bench, 'idle connections', 1, peers, (peer) => measure(peer, cores, steps, isQuick ? 200 : SETTLE));
  const perConnection = ([none, ...others]) => ((others.at(-1) - none) * 1024) / steps.at(-1);
  report.table(
    ['', 'MB, none', ...steps.map((step) => step.toLocaleString('en-US')), 'KiB a connection'],
    peers.map(({ name }) => {
      const [looks] = results.get(name) ?? [];
      return [name, ...(looks ?? ['none', ...steps].map(() => undefined)).map((mb) => cell(mb === undefined ? [] : [mb], 0)), cell(looks === undefined ? [] : [perConnection(looks)], 1)];
    }),
  );
  const rows = [...results].map(([name, [looks]]) => [name, Math.max(0, perConnection(looks))]).map(([name, kib]) => ({ name, min: kib, median: kib, max: kib }));
  report.plot('idle-connections', 'memory of an idle connection', barChart({ title: `Memory of each of ${steps.at(-1).toLocaleString('en-US')} idle connections`, unit: 'KiB', rows }));
}

async function measure(peer, workers, steps, settle) {
  const server = await startPeer(peer, { workers });
  const sockets = [];
  const look = async () => {
    await new Promise((resolve) => setTimeout(resolve, settle));
    return memoryOf(server.pids());
  };
  try {
    const looks = [await look()];
    for (const step of steps) {
      while (sockets.length < step) await Promise.all(Array.from({ length: Math.min(AT_ONCE, step - sockets.length) }, () => greet(server.port, sockets)));
      looks.push(await look());
    }
    const closed = sockets.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length;
    if (closed > 0) throw new Error(`${closed} of ${sockets.length} connections were closed`);
    return looks;
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}

async function greet(port, sockets) {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const signal = AbortSignal.timeout(GREET_TIMEOUT);
  await once(socket, 'connect', { signal });
  socket.write(HELLO);
  await once(socket, 'data', { signal });
  socket.on('error', () => undefined).resume();
  socket.write(ACK);
}
