// How many workers there are: what a person says, and what the load says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { MixedLoad } from '../support/mixed-load.js';
import type { OpenCall } from '../support/open-call.js';
import { GrpcJsProbe } from '../support/probe.js';

/** Runs `scale`; returns what it printed. */
async function scale(daemon: Daemon, wanted: string): Promise<string> {
  const { code, stdout, stderr } = await daemon.until(daemon.command('scale', wanted), 'an answer of scale');
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** Waits until the fleet has come to that size, and nobody is on the way in or out. */
async function settled(daemon: Daemon, workers: number): Promise<void> {
  const status = await daemon.deadline.poll(async () => {
    const now = await daemon.status();
    return now.workers.length === workers && now.workers.every(({ state }) => state === 'ready') ? now : undefined;
  }, `${workers} ready workers`);
  assert.deepEqual([status.goal.workers, status.health], [workers, 'healthy']);
}

const sourceOf = async (daemon: Daemon): Promise<string> => (await daemon.status()).goal.source;

test('scale makes the fleet larger and smaller under load without a failed call, and "config" goes back', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 }, deadline: 60_000 });
  await using load = new MixedLoad(daemon.address);
  await load.loading();
  assert.equal(await scale(daemon, '4'), '2 -> 4 workers');
  await settled(daemon, 4);
  assert.equal(await sourceOf(daemon), 'scale');
  assert.equal(await scale(daemon, '1'), '4 -> 1 workers');
  await settled(daemon, 1);
  assert.equal(await scale(daemon, 'config'), '1 -> 2 workers');
  await settled(daemon, 2);
  assert.equal(await sourceOf(daemon), 'config');
  assert.deepEqual((await daemon.until(load.stop(), 'the end of the load')).failed, []);
  const steps = daemon.log.all('fleet.scaled').map(({ before, after, source }) => [before, after, source]);
  assert.deepEqual(steps, [[2, 4, 'scale'], [4, 1, 'scale'], [1, 2, 'config']]);
  assert.deepEqual(daemon.log.all('worker.drained', ({ cut }) => cut !== 0), []);
});

test('scale goes to four times maxWorkers and no further, and not beyond the calls that may be in progress', async () => {
  await using daemon = await startDaemon({ config: { balance: 'connection' } });
  assert.match(await scale(daemon, '50'), /^1 -> 4 workers \(.*four times maxWorkers/);
  await settled(daemon, 4);
  daemon.configure({ maxWorkers: 2, maximumConcurrentRpcs: 3 });
  assert.equal((await daemon.reload()).report.verdict, 'done');
  assert.match(await scale(daemon, '8'), /^2 -> 3 workers \(.*maximumConcurrentRpcs/);
  assert.equal((await daemon.command('scale', '0')).code, 64);
});

test('with routers scale is not held by the cap on calls, which all workers have together', async () => {
  await using daemon = await startDaemon({ config: { transport: 'lean', balance: 'rpc', maximumConcurrentRpcs: 1 } });
  assert.equal(await scale(daemon, '3'), '1 -> 3 workers');
  await settled(daemon, 3);
  await using probe = new GrpcJsProbe(daemon.address);
  const held = probe.open('Probe/Hold', { key: 'the only one' });
  await daemon.until(held.first, 'the call');
  assert.equal((await probe.call('Probe/Echo')).code, 'RESOURCE_EXHAUSTED');
  held.cancel();
});

test('TTIN is one worker more, TTOU one fewer, from one to four times maxWorkers', async () => {
  await using daemon = await startDaemon({ deadline: 60_000 });
  for (const after of [2, 3, 4]) {
    daemon.signal('SIGTTIN');
    await daemon.waitFor('fleet.scaled', { before: after - 1, after, source: 'scale' });
  }
  daemon.signal('SIGTTIN');
  await settled(daemon, 4);
  for (const after of [3, 2, 1]) {
    daemon.signal('SIGTTOU');
    await daemon.waitFor('fleet.scaled', { before: after + 1, after, source: 'scale' });
  }
  daemon.signal('SIGTTOU');
  await settled(daemon, 1);
  assert.equal(daemon.log.all('fleet.scaled').length, 6);
});

test('a size set by hand survives reloads until the file asks for other numbers of workers', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 }, deadline: 60_000 });
  const reload = async (workers: number, source: string): Promise<void> => {
    assert.equal((await daemon.reload()).report.verdict, 'done');
    await settled(daemon, workers);
    assert.equal(await sourceOf(daemon), source);
  };
  await scale(daemon, '3');
  await settled(daemon, 3);
  daemon.configure({ gracefulTimeout: '20s' });
  await reload(3, 'scale');
  daemon.configure({ minWorkers: 1 });
  await reload(2, 'elastic');
  await scale(daemon, '1');
  await settled(daemon, 1);
  daemon.configure({ maxWorkers: 3, minWorkers: 3 });
  await reload(3, 'config');
});

test('without routers the workers that there are share the cap on calls', async () => {
  await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2, maximumConcurrentRpcs: 4 } });
  /** How many calls a new client, alone with its worker, may have in progress. */
  const places = async (): Promise<number> => {
    await using probe = new GrpcJsProbe(daemon.address);
    const held: OpenCall[] = [];
    try {
      for (;;) {
        const call = probe.open('Probe/Hold', { key: `${held.length}` });
        if ((await daemon.until(call.first, 'an answer')) === undefined) {
          assert.equal((await call.outcome).code, 'RESOURCE_EXHAUSTED');
          return held.length;
        }
        held.push(call);
      }
    } finally {
      for (const call of held) call.cancel();
    }
  };
  await daemon.deadline.poll(async () => ((await places()) === 2 ? true : undefined), 'two calls for each');
  await scale(daemon, '1');
  await settled(daemon, 1);
  await daemon.deadline.poll(async () => ((await places()) === 4 ? true : undefined), 'all four calls for the only worker');
  await scale(daemon, 'config');
  await settled(daemon, 2);
  await daemon.deadline.poll(async () => ((await places()) === 2 ? true : undefined), 'two calls for each');
});

const isProof = process.env.PROVE !== undefined;

test(`the fleet grows when its workers are busy${isProof ? ', and shrinks when they are not, without a failed call' : ''}`, async () => {
  await using daemon = await startDaemon({ config: { minWorkers: 1, maxWorkers: 2 }, deadline: 180_000 });
  assert.equal(daemon.log.all('worker.ready').length, 1);
  const probes = Array.from({ length: 4 }, () => new GrpcJsProbe(daemon.address));
  const heavy = probes.map((probe) => probe.load('Probe/Block', { ms: 5 }, 2));
  await daemon.waitFor('fleet.scaled', { before: 1, after: 2, source: 'elastic' });
  await daemon.waitFor('worker.ready', { slot: 1 });
  assert.equal(await sourceOf(daemon), 'elastic');
  for (const { calls, codes, details } of await Promise.all(heavy.map((load) => load.stop()))) assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));

  if (isProof) {
    // New clients, so that both workers have some.
    const late = Array.from({ length: 4 }, () => new GrpcJsProbe(daemon.address));
    const light = [...probes, ...late].map((probe) => probe.load('Probe/Sleep', { ms: 100 }, 1));
    await daemon.waitFor('fleet.scaled', { before: 2, after: 1, source: 'elastic' });
    const gone = await daemon.waitFor('worker.gone', { slot: 1, cause: 'scale' });
    assert.equal((await daemon.waitFor('worker.drained', { worker: gone.worker })).cut, 0);
    for (const { calls, codes, details } of await Promise.all(light.map((load) => load.stop()))) assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));
    for (const probe of late) await probe[Symbol.asyncDispose]();
  }
  for (const probe of probes) await probe[Symbol.asyncDispose]();
});
