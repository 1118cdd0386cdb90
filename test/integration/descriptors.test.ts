// Out of file descriptors: connections are refused and counted, nothing dies, and all is well when there are some again.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { BIN } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const limited = (files: number): readonly [string, ...string[]] => ['/bin/sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, BIN, 'start'];

/** Connections that say nothing and stay; some of them are closed by the server. */
async function crowd(daemon: Daemon, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(daemon.port, '127.0.0.1').on('error', () => undefined));
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  return sockets;
}

/** Connects a few at a time until one is refused with that reason; the system closes some by itself, and says nothing. */
async function crowdUntilRefused(daemon: Daemon, reason: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  await daemon.deadline.poll(async () => {
    if (sockets.length < 1000) sockets.push(...(await crowd(daemon, 10)));
    return daemon.log.all('connection.refused').some((record) => record.reason === reason) || undefined;
  }, `a connection that is refused: ${reason}`, () => daemon.log.text);
  return sockets;
}

test('workers without descriptors refuse what they cannot take', async () => {
  await using daemon = await startDaemon({ launcher: limited(100), config: { maxWorkers: 1, maxConnections: 1000 } });
  const worker = daemon.workerPid();
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  const sockets = await crowdUntilRefused(daemon, 'out-of-descriptors');
  assert.equal((await probe.call('Probe/Echo')).code, 'OK', 'connections that are there serve on');
  for (const socket of sockets) socket.destroy();

  const outcome = await daemon.deadline.poll(async () => {
    await using late = new GrpcJsProbe(daemon.address);
    const { code } = await late.call('Probe/Echo', {}, { timeoutMs: 2000 });
    return code === 'OK' ? code : undefined;
  }, 'an answer to a new client', () => daemon.log.text);
  assert.equal(outcome, 'OK');
  assert.equal(daemon.workerPid(), worker);
  assert.deepEqual(daemon.log.all('worker.gone'), []);
});

test('a primary whose worker takes nothing refuses what it cannot hold, and serves the others later', { skip: process.platform !== 'linux' && 'needs SIGSTOP as on Linux' }, async () => {
  await using daemon = await startDaemon({ launcher: limited(200), config: { maxWorkers: 1, maxConnections: 1000 } });
  process.kill(daemon.workerPid(), 'SIGSTOP');
  await using early = new GrpcJsProbe(daemon.address);
  const waiting = early.call('Probe/Echo', {}, { timeoutMs: 25_000 });
  await daemon.deadline.poll(async () => ((await daemon.status()).workers[0]?.connections === 1 ? true : undefined), 'the first client');
  const sockets = await crowdUntilRefused(daemon, 'queue-full');
  assert.equal((await daemon.status()).health, 'healthy', 'there are descriptors left to answer with');
  process.kill(daemon.workerPid(), 'SIGCONT');
  assert.equal((await daemon.until(waiting, 'the answer to the first client')).code, 'OK');
  for (const socket of sockets) socket.destroy();
  assert.equal((await daemon.reload()).code, 0);
});
