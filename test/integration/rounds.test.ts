// Nothing piles up: rounds of starts and stops, of crashes and reloads, and of connections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { GrpcJsProbe } from '../support/probe.js';
import { HAS_PROC, openFiles } from '../support/processes.js';
import { TempDir } from '../support/temp-dir.js';

const ROUNDS = process.env.PROVE === undefined ? 10 : 50;

test(`${ROUNDS} rounds of start, call and stop leave no process, socket or file`, async () => {
  using dir = new TempDir();
  for (let round = 0; round < ROUNDS; round += 1) {
    // The same runtime folder and the same socket each time; each disposal asserts that nothing is left.
    const config = { maxWorkers: 2, host: `unix:${dir.join('grpc.sock')}`, pidfile: dir.join('pid') };
    await using daemon = await startDaemon({ config, env: { XDG_RUNTIME_DIR: dir.path } });
    await using probe = new GrpcJsProbe(`unix:${dir.join('grpc.sock')}`);
    assert.equal((await probe.call('Probe/Echo')).code, 'OK');
    assert.equal((await daemon.stop()).code, 0);
  }
  assert.deepEqual(dir.files(), []);
});

test(`${ROUNDS} rounds of a crash and a reload leave no file descriptor in the primary`, { skip: !HAS_PROC && 'needs /proc' }, async () => {
  await using daemon = await startDaemon({ deadline: ROUNDS * 10_000 });
  const processes = daemon.processes().length;
  let limit = Infinity;
  for (let round = 1; round <= ROUNDS; round += 1) {
    process.kill(daemon.workerPid(), 'SIGKILL');
    await daemon.waitFor('worker.ready', {}, 2 * round);
    daemon.signal('SIGHUP');
    await daemon.waitFor('reload.ended', { verdict: 'done' }, round);
    // The pipes of what has just ended close a moment later.
    const count = await daemon.deadline.poll(() => (openFiles(daemon.pid) <= limit ? openFiles(daemon.pid) : undefined), `at most ${limit} open files`);
    // What is opened once, at the first reload, may stay.
    if (round === 2) limit = count;
    assert.equal(daemon.processes().length, processes);
  }
});

test('hundreds of connections leave no file descriptor in any process', { skip: !HAS_PROC && 'needs /proc' }, async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 2 }, deadline: 60_000 });
  const pids = daemon.processes();
  const connectAll = async (count: number): Promise<void> => {
    const probes = Array.from({ length: count }, () => new GrpcJsProbe(daemon.address));
    const outcomes = await daemon.until(Promise.all(probes.map((probe) => probe.call('Probe/Echo'))), 'all answers');
    assert(outcomes.every(({ code }) => code === 'OK'));
    for (const probe of probes) await probe[Symbol.asyncDispose]();
  };
  const settled = (limit: number[]): Promise<true> =>
    daemon.deadline.poll(() => (pids.every((pid, index) => openFiles(pid) <= (limit[index] ?? 0)) ? true : undefined), `open files back to ${limit.join(', ')}`);

  const idle = pids.map(openFiles);
  await connectAll(10);
  // What is opened once, at the first connection, may stay.
  const used = idle.map((count) => count + 4);
  await settled(used);
  for (let round = 0; round < 3; round += 1) await connectAll(100);
  await settled(used);
});
