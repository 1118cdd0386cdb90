// Workers in processes of their own, which are killed and which stand still.
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import grpc, { status } from '@grpc/grpc-js';
import { ROOT } from '../../support/paths.js';
import { RouterRig } from '../../support/router-rig.js';

const keep = (bytes: Buffer): Buffer => bytes;

interface Outcome {
  readonly code: status;
  readonly details: string;
}

function call(client: grpc.Client, method: 'unary' | 'slow', message: string): Promise<Outcome> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(`/test.Calls/${method}`, keep, keep, Buffer.from(message), { deadline: Date.now() + 30_000 }, (error) =>
      resolve(error === null ? { code: status.OK, details: '' } : { code: error.code, details: error.details }));
  });
}

async function startWorker(context: TestContext, rig: RouterRig, id: number): Promise<ChildProcess> {
  const path = rig.folder.join(`forked-${id}.sock`);
  const child = fork(`${ROOT}test/fixtures/link-worker.js`, [path]);
  context.after(() => child.kill('SIGKILL'));
  await rig.deadline.wait(once(child, 'message'), 'a worker that listens');
  rig.admit({ place: { id, slot: id - 1, generation: 1, path } });
  return child;
}

test('kill -9 under load: the calls that fail are those in flight on the worker, each hears why, and the next ones succeed at once', async (context) => {
  await using rig = await RouterRig.start();
  const children = [await startWorker(context, rig, 1), await startWorker(context, rig, 2)];
  const [victim, survivor] = children;
  assert(victim && survivor);
  const begun = new Map<ChildProcess, Set<string>>(children.map((child) => [child, new Set()]));
  for (const [child, names] of begun) child.on('message', ({ begun: name }: { begun: string }) => names.add(name));
  const clients = [rig.client(), rig.client(), rig.client()];
  const ended = new Map<string, Outcome>();
  const pending = new Map<string, Promise<void>>();
  for (let index = 0; index < 60; index += 1) {
    const name = `slow ${index}`;
    const client = clients[index % clients.length];
    assert(client);
    pending.set(name, call(client, 'slow', name).then((outcome) => void ended.set(name, outcome)));
  }
  await rig.until(() => [...begun.values()].reduce((sum, { size }) => sum + size, 0) === 60, 'all calls at workers');
  const failures: Outcome[] = [];
  let isOver = false;
  let made = 0;
  const load = clients.map(async (client) => {
    while (!isOver) {
      const outcome = await call(client, 'unary', 'x');
      made += 1;
      if (outcome.code !== status.OK) failures.push(outcome);
    }
  });
  await rig.until(() => made > 100, 'load');
  victim.kill('SIGKILL');
  const atVictim = [...(begun.get(victim) ?? [])];
  assert.ok(atVictim.length >= 20, `${atVictim.length}`);
  for (const name of atVictim) await rig.deadline.wait(pending.get(name) ?? Promise.reject(new Error(name)), `the end of ${name}`);
  const before = made;
  await rig.until(() => made > before + 100, 'more load');
  isOver = true;
  await Promise.all(load);
  assert.deepEqual([...ended.keys()].sort(), atVictim.sort());
  for (const { code, details } of [...ended.values(), ...failures]) {
    assert.equal(code, status.UNAVAILABLE);
    assert.match(details, /^The worker that had the call is gone \(slot 0: /);
  }
  // At most the one call that each client had on it in that moment.
  assert.ok(failures.length <= clients.length, `${failures.length}`);
  assert.equal(rig.router.statistics().lost, ended.size + failures.length);
  assert.equal(rig.router.statistics().connections, clients.length);
  const gone = once(survivor, 'exit');
  survivor.disconnect();
  await gone;
  await Promise.all(pending.values());
});

test('a worker that stands still: calls on it wait, all others go elsewhere', async (context) => {
  await using rig = await RouterRig.start();
  const children = [await startWorker(context, rig, 1), await startWorker(context, rig, 2)];
  const client = rig.client();
  assert.equal((await call(client, 'unary', 'x')).code, status.OK);
  const [busy] = children;
  assert(busy);
  busy.kill('SIGSTOP');
  const first = Array.from({ length: 4 }, () => call(client, 'unary', 'x'));
  await rig.until(() => rig.router.statistics().workers[0]?.standing === 'late', 'it to be late');
  for (let made = 0; made < 100; made += 1) assert.equal((await call(client, 'unary', 'x')).code, status.OK);
  busy.kill('SIGCONT');
  for (const { code } of await Promise.all(first)) assert.equal(code, status.OK);
  await rig.until(() => rig.router.statistics().workers[0]?.standing === 'good', 'it to be good again');
  assert.equal(rig.router.statistics().lost, 0);
  for (const child of children) {
    const gone = once(child, 'exit');
    child.disconnect();
    await gone;
  }
});
