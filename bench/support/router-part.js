// A router or a worker of `balance: rpc` in a process of its own, without a primary:
//   worker PATH BLOCK      listens on a unix socket; unary calls take BLOCK milliseconds without CPU
//   router PATH...         listens on a port, which it sends to its parent
import { once } from 'node:events';
import { createServer } from 'node:net';
import grpc from '@grpc/grpc-js';
import { systemClock } from '../../dist/shared/clock.js';
import { tuneMemory } from '../../dist/front/tune-memory.js';
import { serveBlocking } from './blocking.js';
import { Bench, grpcHook } from './servicer.js';

const [role, ...args] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
tuneMemory();

if (role === 'worker') await work(...args);
else await route(args);

async function work(path, block) {
  const { LinkServer } = await import('../../dist/worker/link-server.js');
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  grpcHook(server);
  if (Number(block) > 0) {
    server.unregister(Bench.service.Callback.path);
    serveBlocking(server, Number(block));
  }
  const links = new LinkServer({ server, interceptors: [], maxMetadataSize: 16_384, clock: systemClock, onFault: console.error, onLimit: console.error });
  await links.listen(path);
  process.send({ ready: true });
}

async function route(paths) {
  const { Router } = await import('../../dist/router/router.js');
  const limits = {
    maxConcurrentStreams: 1000, maxMetadataSize: 16_384, keepalive: { time: 60_000, timeout: 20_000, minClientInterval: null },
    maxConnectionAge: null, maxConnectionAgeGrace: 30_000, maxConnectionIdle: null, queueTimeout: 5000,
  };
  const router = new Router({ limits, clock: systemClock, random: Math.random, units: { ask() {}, giveBack() {} }, onFault: console.error, onLimit: console.error });
  paths.forEach((path, slot) => router.admitWorker({ id: slot + 1, slot, generation: 1, path }));
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined);
    router.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.on('message', () => process.send(router.statistics()));
  process.send({ port: server.address().port });
}
