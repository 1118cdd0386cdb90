// A router as a process: what the primary says to it and hears of it.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test } from 'node:test';
import grpc, { status } from '@grpc/grpc-js';
import type { FromRouter, ToRouter } from '#src/ipc/router-messages.js';
import { makeTestCertificates } from '../../support/certificates.js';
import { Deadline } from '../../support/deadline.js';
import { ROOT } from '../../support/paths.js';
import { call, RigWorker, ROUTER_LIMITS } from '../../support/router-rig.js';
import { TempDir } from '../../support/temp-dir.js';

type Start = Extract<ToRouter, { type: 'start' }>;

/** What a primary does: it accepts, hands over, and lets go when the router has taken over. */
class Process {
  readonly said: FromRouter[] = [];
  readonly child: ChildProcess;
  readonly exit: Promise<unknown>;
  readonly #deadline = new Deadline(30_000);
  readonly #sockets = new Map<number, Socket>();
  readonly #listener = createServer({ pauseOnConnect: true }, (socket) => {
    const id = this.#sockets.size + 1;
    this.#sockets.set(id, socket);
    this.child.send({ type: 'take-socket', id } satisfies ToRouter, socket, { keepOpen: true });
  });

  private constructor() {
    this.child = fork(`${ROOT}dist/router/main.js`, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'ignore'] });
    this.exit = once(this.child, 'exit');
    this.child.on('message', (message: FromRouter) => {
      this.said.push(message);
      if (message.type === 'socket-taken') this.#sockets.get(message.id)?.destroy();
    });
  }

  static async start(more: Partial<Start> = {}): Promise<Process> {
    const router = new Process();
    await router.until('awake');
    router.tell({
      type: 'start', index: 0, name: 'test', limits: ROUTER_LIMITS, clientAuthentication: 'none', tls: null,
      ticketKeys: Buffer.alloc(48, 1).toString('base64'), logLevel: 'info', logFormat: 'json', ...more,
    });
    router.tell({ type: 'lend-units', count: null, isAlone: true });
    await router.until('ready');
    router.#listener.listen(0, '127.0.0.1');
    await once(router.#listener, 'listening');
    return router;
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  tell(message: ToRouter): void {
    this.child.send(message);
  }

  async until(type: FromRouter['type'], fits: (message: FromRouter) => boolean = () => true): Promise<FromRouter> {
    return this.#deadline.poll(() => this.said.find((message) => message.type === type && fits(message)), `"${type}"`, () => JSON.stringify(this.said));
  }

  async end(): Promise<number | null> {
    this.#listener.close();
    await this.#deadline.wait(this.exit, 'its exit', () => JSON.stringify(this.said));
    return this.child.exitCode;
  }
}

async function worker(folder: TempDir): Promise<RigWorker> {
  const one = new RigWorker({ id: 7, slot: 3, generation: 2, path: folder.join('7.sock') }, { unary: (given, callback) => callback(null, given.request) });
  await one.links.listen(one.place.path);
  return one;
}

const OWN = { 'grpc.use_local_subchannel_pool': 1 };

test('it takes sockets, routes their calls to the workers that it is told of, says how it is, and leaves when it is told to', async () => {
  using folder = new TempDir();
  const router = await Process.start();
  const one = await worker(folder);
  router.tell({ type: 'admit-worker', ...one.place });
  const client = new grpc.Client(router.address, grpc.credentials.createInsecure(), OWN);
  const { code, messages } = await call(client, 'unary');
  assert.deepEqual([code, String(messages[0])], [status.OK, 'hello']);
  const beat = await router.until('heartbeat', (message) => message.type === 'heartbeat' && message.calls === 1);
  assert(beat.type === 'heartbeat');
  assert.deepEqual([beat.connections, beat.links, beat.inFlight, beat.lost, beat.workers], [1, 1, 0, 0, [{ id: 7, links: 1, inFlight: 0, calls: 1, standing: 'good' }]]);
  router.tell({ type: 'withdraw-worker', id: 7 });
  await new Promise<void>((resolve) => {
    one.links.onEmpty = resolve;
  });
  assert.deepEqual(await router.until('worker-left'), { type: 'worker-left', id: 7 });
  router.tell({ type: 'set-limits', limits: { ...ROUTER_LIMITS, queueTimeout: 50 } });
  const { code: late, details } = await call(client, 'unary');
  assert.deepEqual([late, details], [status.UNAVAILABLE, 'No worker was ready within 0.05 s.']);
  router.tell({ type: 'drain', cause: 'stop', quick: null });
  await router.until('drained');
  assert.equal(await router.end(), 0);
  client.close();
  one.links.destroyAll();
});

test('with TLS; and with other certificates from then on', async () => {
  using folder = new TempDir();
  const certificates = await makeTestCertificates(folder.join('tls'));
  const pemOf = ({ pem }: { pem: { certificate: string; key: string } }): Start['tls'] => ({ pem: { ...pem, authorities: null } });
  const router = await Process.start({ tls: pemOf(certificates.server) });
  const one = await worker(folder);
  router.tell({ type: 'admit-worker', ...one.place });
  const connect = (authority: string): grpc.Client =>
    new grpc.Client(router.address, grpc.credentials.createSsl(Buffer.from(authority)), { ...OWN, 'grpc.ssl_target_name_override': 'localhost' });
  const before = connect(certificates.ca.pem.certificate);
  assert.equal((await call(before, 'unary')).code, status.OK);
  router.tell({ type: 'set-certificates', tls: pemOf(certificates.otherServer) ?? { pem: { certificate: '', key: '', authorities: null } } });
  const after = connect(certificates.otherCa.pem.certificate);
  assert.equal((await call(after, 'unary')).code, status.OK);
  assert.equal((await call(before, 'unary')).code, status.OK);
  for (const client of [before, after]) client.close();
  router.tell({ type: 'drain', cause: 'stop', quick: 0 });
  assert.equal(await router.end(), 0);
  one.links.destroyAll();
});

test('it asks for units of the cap and gives them back', async () => {
  using folder = new TempDir();
  const router = await Process.start();
  router.tell({ type: 'lend-units', count: 0, isAlone: false });
  const one = await worker(folder);
  router.tell({ type: 'admit-worker', ...one.place });
  const client = new grpc.Client(router.address, grpc.credentials.createInsecure(), OWN);
  const first = call(client, 'unary');
  await router.until('units-wanted');
  router.tell({ type: 'lend-units', count: 2, isAlone: false });
  assert.equal((await first).code, status.OK);
  router.tell({ type: 'reclaim-units', count: 5, when: 'now' });
  assert.deepEqual(await router.until('units-returned'), { type: 'units-returned', count: 2, when: 'now' });
  client.close();
  router.tell({ type: 'drain', cause: 'stop', quick: 0 });
  assert.equal(await router.end(), 0);
  one.links.destroyAll();
});

test('without its primary it sees its clients out and exits', async () => {
  const router = await Process.start();
  router.child.disconnect();
  assert.equal(await router.end(), 0);
});
