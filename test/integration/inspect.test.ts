// Looking into one worker while it serves: its inspector, its heap, its log.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { InspectResult, WorkerStatus } from '#src/control/definition.js';
import { Daemon, startDaemon } from '../support/daemon.js';
import { Debugger } from '../support/debugger.js';
import { ROOT } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

async function inspect(daemon: Daemon, ...args: string[]): Promise<InspectResult> {
  const { code, stdout, stderr } = await daemon.command('inspect', ...args, '--json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as InspectResult;
}

async function worker(daemon: Daemon, slot: number): Promise<WorkerStatus> {
  const { stdout } = await daemon.command('status', '--json');
  const { workers } = JSON.parse(stdout) as { workers: WorkerStatus[] };
  return workers.find((each) => each.slot === slot) ?? assert.fail(stdout);
}

/** The slot that a new connection gets. */
async function slotOfNew(daemon: Daemon): Promise<number | undefined> {
  await using probe = new GrpcJsProbe(daemon.address);
  return (await daemon.until(probe.call('Probe/Identify'), 'an answer')).messages[0]?.slot;
}

describe('inspect', () => {
  test('opens the inspector of one worker on loopback, says how to use it, and closes it again', async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
    const { code, stdout } = await daemon.command('inspect', '1');
    assert.equal(code, 0);
    const [, pid, address = '', host = ''] = /^Worker 1 \(pid (\d+)\) can be inspected at (ws:\/\/(127\.0\.0\.1:\d+)\/\S+)\n/.exec(stdout) ?? assert.fail(stdout);
    assert.equal(Number(pid), daemon.workerPid(1));
    for (const hint of ['chrome://inspect', `node inspect ${host}`, 'grpcserverd inspect 1 --close']) assert.ok(stdout.includes(hint), stdout);
    assert.equal((await inspect(daemon, '1')).result, address, 'it is open already');
    assert.equal((await worker(daemon, 1)).inspection, `inspector open at ${address}`);
    assert.equal((await worker(daemon, 0)).inspection, '');
    (await daemon.until(Debugger.attach(address), 'the inspector'))[Symbol.dispose]();

    assert.match((await daemon.command('inspect', '1', '--close')).stdout, /^The inspector of worker 1 \(pid \d+\) is closed\.\n$/);
    assert.equal((await worker(daemon, 1)).inspection, '');
    await assert.rejects(daemon.until(Debugger.attach(address), 'a refusal'), /ECONNREFUSED/);
  });

  test('of a worker that a debugger holds at a breakpoint: it is not taken for hung, and serves on after', async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 1, hangTimeout: '4s' } });
    const { pid, result } = await inspect(daemon, '0');
    using debug = await daemon.until(Debugger.attach(result), 'the inspector');
    debug.halt();
    const held = async (): Promise<WorkerStatus | undefined> => {
      const status = await worker(daemon, 0);
      return status.heartbeatAgeSeconds > 5 ? status : undefined;
    };
    const status = await daemon.deadline.poll(held, 'a silence that is longer than hangTimeout', () => daemon.log.text);
    assert.deepEqual([status.pid, status.state], [pid, 'ready']);
    assert.match((await daemon.command('status')).stdout, /no sign of life for \d+s/);

    const refused = await daemon.command('inspect', '0', '--close');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /did not answer within 4 s\nA debugger may hold it/);
    // It finds the order as soon as nobody holds it any more.
    debug[Symbol.dispose]();
    const closed = async (): Promise<true | undefined> => ((await worker(daemon, 0)).inspection === '' ? true : undefined);
    await daemon.deadline.poll(closed, 'the end of the inspection', () => daemon.log.text);
    await using probe = new GrpcJsProbe(daemon.address);
    assert.equal((await probe.call('Probe/Identify')).messages[0]?.pid, pid);
    assert.deepEqual(daemon.log.all('worker.silent'), []);
  });

  test('--withdraw keeps new connections from the worker until the inspector is closed', async () => {
    await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2 } });
    await inspect(daemon, '0', '--withdraw');
    const withdrawn = await worker(daemon, 0);
    assert.deepEqual([withdrawn.state, withdrawn.admitted], ['ready', false]);
    for (let connection = 0; connection < 4; connection += 1) assert.equal(await slotOfNew(daemon), 1);
    assert.equal((await daemon.command('status')).code, 0, 'a ready worker that is withdrawn is no fault');

    const other = await daemon.command('inspect', '1', '--withdraw');
    assert.equal(other.code, 1);
    assert.match(other.stderr, /Worker 1 is the only one that takes calls/);

    await inspect(daemon, '0', '--close');
    assert.equal((await worker(daemon, 0)).admitted, true);
    await using first = new GrpcJsProbe(daemon.address);
    await using second = new GrpcJsProbe(daemon.address);
    const slots = [];
    for (const probe of [first, second]) slots.push((await daemon.until(probe.call('Probe/Identify'), 'an answer')).messages[0]?.slot);
    assert.deepEqual(slots.sort(), [0, 1]);
  });

  test('--withdraw sends the clients of the worker to others, and lets their calls finish', async () => {
    await using daemon = await startDaemon({ config: { balance: 'connection', maxWorkers: 2 } });
    await using one = new GrpcJsProbe(daemon.address);
    await using two = new GrpcJsProbe(daemon.address);
    const slotOf = async (probe: GrpcJsProbe): Promise<unknown> => (await daemon.until(probe.call('Probe/Identify'), 'an answer')).messages[0]?.slot;
    const client = (await slotOf(one)) === 0 ? one : two;
    if (client === two) assert.equal(await slotOf(two), 0);
    const long = client.open('Probe/Sleep', { ms: 700 });
    await inspect(daemon, '0', '--withdraw');
    assert.equal((await daemon.until(long.outcome, 'the end of the long call')).code, 'OK');
    assert.equal(await slotOf(client), 1);
    assert.equal((await worker(daemon, 0)).connections, 0);
  });

  test('--withdraw keeps new calls from the worker, with routers, lets those that it has finish, and costs no client its connection', async () => {
    await using daemon = await startDaemon({ config: { transport: 'lean', balance: 'rpc', maxWorkers: 2 } });
    await using probe = new GrpcJsProbe(daemon.address);
    const slots = async (count: number): Promise<unknown[]> => {
      // Together, so that each worker would get some.
      const calls = await daemon.until(Promise.all(Array.from({ length: count }, () => probe.call('Probe/Identify'))), 'answers');
      return [...new Set(calls.map(({ messages }) => messages[0]?.slot))].sort();
    };
    const both = async (): Promise<true | undefined> => ((await slots(20)).length === 2 ? true : undefined);
    await daemon.deadline.poll(both, 'both workers');
    const { peer } = (await probe.call('Probe/Identify')).messages[0] ?? assert.fail('no answer');
    const long = Array.from({ length: 4 }, () => probe.call('Probe/Sleep', { ms: 1500 }));
    await inspect(daemon, '0', '--withdraw');
    // It may be stopped from now on, so nobody may wait for it.
    process.kill(daemon.workerPid(0), 'SIGSTOP');
    assert.deepEqual((await daemon.until(Promise.all(long), 'the long calls')).map(({ code }) => code), ['OK', 'OK', 'OK', 'OK']);
    assert.deepEqual(await slots(20), [1]);
    const withdrawn = await worker(daemon, 0);
    assert.deepEqual([withdrawn.state, withdrawn.admitted], ['ready', false]);
    const other = await daemon.command('inspect', '1', '--withdraw');
    assert.match(other.stderr, /Worker 1 is the only one that takes calls/);
    process.kill(daemon.workerPid(0), 'SIGCONT');
    await inspect(daemon, '0', '--close');
    await daemon.deadline.poll(both, 'both workers again');
    assert.equal((await probe.call('Probe/Identify')).messages[0]?.peer, peer, 'the same connection');
  });

  test('--heap-snapshot writes a new file that only its owner can read, and never over another', async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
    const { result, pid } = await inspect(daemon, '1', '--heap-snapshot', 'worker.heapsnapshot', '--withdraw');
    assert.equal(result, daemon.dir.join('worker.heapsnapshot'));
    assert.equal(pid, daemon.workerPid(1));
    assert.equal(statSync(result).mode & 0o777, 0o600);
    const heap = readFileSync(result, 'utf8');
    assert.ok((JSON.parse(heap) as { snapshot: { node_count: number } }).snapshot.node_count > 1000);
    assert.deepEqual([(await worker(daemon, 1)).admitted, (await worker(daemon, 1)).inspection], [true, '']);

    const again = await daemon.command('inspect', '0', '--heap-snapshot', result);
    assert.equal(again.code, 73);
    assert.match(again.stderr, /worker\.heapsnapshot exists already; it was not touched\nName another file/);
    assert.equal(readFileSync(result, 'utf8'), heap);
    const nowhere = await daemon.command('inspect', '0', '--heap-snapshot', 'no/such/folder/x');
    assert.equal(nowhere.code, 73);
    assert.match(nowhere.stderr, /The worker cannot write .*no\/such\/folder\/x: ENOENT/);
  });

  test('says what is wrong with its arguments, and which slots there are', async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 2 } });
    for (const [args, says] of [
      [['7'], /There is no worker in slot 7\nSlots with a worker: 0, 1\./],
      [['-1'], /"-1" is no slot/],
      [['one'], /"one" is no slot/],
      [['0', '--close', '--withdraw'], /'--close' cannot be used with option '--withdraw'/],
    ] as const) {
      const { code, stderr, stdout } = await daemon.command('inspect', ...args);
      assert.deepEqual([code, stdout], [64, ''], stderr);
      assert.match(stderr, says);
    }
  });

  test('of a worker that is blocked says so after some seconds, and what helps', async () => {
    await using daemon = await startDaemon();
    await using probe = new GrpcJsProbe(daemon.address);
    const blocked = probe.open('Probe/Block', { ms: 8000 });
    // The order must find it blocked: an earlier answer says that it was not yet.
    const refused = async (): Promise<string | undefined> => {
      const { code, stderr } = await daemon.command('inspect', '0');
      return code === 1 ? stderr : undefined;
    };
    const stderr = await daemon.deadline.poll(refused, 'a worker that does not answer', () => daemon.log.text);
    assert.match(stderr, /Worker 0 \(pid \d+\) did not answer within 4 s\n.*kill -USR1 \d+/);
    await daemon.until(blocked.outcome, 'the end of the block');
  });
});

describe('log-level', () => {
  test('counts in the primary, in the workers and in those that come later, until the next reload', async () => {
    await using daemon = await startDaemon();
    const { code, stdout } = await daemon.command('log-level', 'silent');
    assert.equal(code, 0);
    assert.equal(stdout, 'All processes of "default" log at silent until the next reload.\n');
    process.kill(daemon.workerPid(), 'SIGKILL');
    const replaced = async (): Promise<true | undefined> => ((await worker(daemon, 0)).restarts === 1 && (await worker(daemon, 0)).state === 'ready' ? true : undefined);
    await daemon.deadline.poll(replaced, 'a replacement', () => daemon.log.text);
    assert.deepEqual(daemon.log.all('worker.gone'), []);
    assert.equal((await daemon.command('reload')).code, 0);
    await daemon.waitFor('reload.ended');
  });

  test('counts in a worker that is still starting', async () => {
    const slow = `
      import { existsSync, writeFileSync } from 'node:fs';
      import { setTimeout as delay } from 'node:timers/promises';
      export async function grpcHook(server, { loadProto, logger }) {
        server.addService(loadProto(${JSON.stringify(`${ROOT}test/fixtures/protos/probe.proto`)}).probe.v1.Misbehaviour.service, {});
        writeFileSync('loading', '');
        while (!existsSync('go')) await delay(10);
        logger.debug('heard at last');
      }`;
    await using daemon = new Daemon({ config: { servicers: ['./slow.mjs'] }, files: { 'slow.mjs': slow } });
    await daemon.deadline.poll(() => Promise.resolve(existsSync(daemon.dir.join('loading')) ? true : undefined), 'its hook', () => daemon.log.text);
    assert.equal((await daemon.command('log-level', 'debug')).code, 0);
    daemon.dir.write('go', '');
    await daemon.waitFor('worker.ready');
    const heard = (): boolean => daemon.log.records.some(({ level, msg }) => level === 'debug' && msg === 'heard at last');
    await daemon.deadline.poll(() => Promise.resolve(heard() ? true : undefined), 'its line', () => daemon.log.text);
  });

  test('refuses what is none, and names those that are', async () => {
    await using daemon = await startDaemon();
    const { code, stderr } = await daemon.command('log-level', 'loud');
    assert.equal(code, 64);
    assert.equal(stderr, 'grpcserverd: "loud" is no log level\nThese are: trace, debug, info, warn, error, fatal, silent.\n');
  });
});
