// The daemon itself replaced while it serves: from one version of Node to another, and back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { findDaemon } from '#src/cli/control-client.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { Knocking } from '../support/knocking.js';
import { MixedLoad } from '../support/mixed-load.js';
import { GrpcJsProbe } from '../support/probe.js';
import { allGone, OTHER_NODE, stopAll, upgrade } from '../support/upgrade.js';

const PROVE = process.env.PROVE !== undefined;
const nodeVersion = (node: string): string => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
const folderOf = (daemon: Daemon): string => daemon.dir.join('run', 'grpcserverd', 'default');

/** Asks the same again and again. @returns the answers, each but the first another one than the one before */
class Watch<T> implements AsyncDisposable {
  readonly answers: (T | string)[] = [];
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(ask: () => Promise<T>) {
    this.#done = this.#run(ask);
  }

  async stop(): Promise<(T | string)[]> {
    this.#over.abort();
    await this.#done;
    return this.answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(ask: () => Promise<T>): Promise<void> {
    while (!this.#over.signal.aborted) {
      const answer = await ask().catch((error: unknown) => String(error));
      if (this.answers.at(-1) !== answer) this.answers.push(answer);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function readiness(daemon: Daemon): Promise<number> {
  const [host, port] = String(daemon.log.all('admin.listening')[0]?.address).split(':');
  return new Promise((resolve, reject) => {
    request({ host, port, path: '/readyz' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });
}

test(`upgrades under load, from Node ${process.version} to ${nodeVersion(OTHER_NODE)} and back: no failed call, no refused connection, never without a daemon`, async (context) => {
  const rounds = PROVE ? 10 : 1;
  await using daemon = await startDaemon({ config: { maxWorkers: 2, admin: '127.0.0.1:0', streamGracefulTimeout: '60s' }, deadline: 60_000 + rounds * 60_000 });
  await using load = new MixedLoad(daemon.address);
  await using patient = new GrpcJsProbe(daemon.address);
  await daemon.until(load.loading(), 'the first answers');
  const long = patient.open('Probe/Repeat', { times: 300, size: 10, ms: 20 }, { timeoutMs: 100_000 });
  await daemon.until(long.first, 'the first message of the stream');
  await using knocking = new Knocking({ host: '127.0.0.1', port: daemon.port });
  // As the commands look for it.
  await using found = new Watch(async () => (await findDaemon({ runtimeDir: daemon.dir.join('run', 'grpcserverd') })).state.pid);
  await using probed = new Watch(() => readiness(daemon));
  const pids = [daemon.pid];
  for (let round = 0; round < rounds; round += 1) {
    for (const node of [OTHER_NODE, process.execPath]) {
      const { code, report } = await upgrade(daemon, { node });
      assert.deepEqual([code, report.verdict, report.node, report.cut], [0, 'done', nodeVersion(node), 0], `${JSON.stringify(report)}\n${daemon.log.text}`);
      pids.push(report.pid);
      context.diagnostic(`to Node ${report.node} in ${report.tookMs} ms`);
    }
  }
  const outcome = await daemon.until(long.outcome, 'the end of the stream');
  assert.deepEqual([outcome.code, outcome.messages.length], ['OK', 300]);
  const { calls, failed } = await daemon.until(load.stop(), 'the end of the load');
  const { refused, attempts } = await knocking.stop();
  assert.deepEqual(failed, [], daemon.log.text);
  assert.deepEqual(refused, [], `of ${attempts} connections`);
  assert.deepEqual(await found.stop(), pids);
  assert.deepEqual(await probed.stop(), [200]);
  assert.deepEqual(daemon.log.all('call.cut'), []);
  assert.deepEqual(daemon.log.all('connection.refused'), []);
  context.diagnostic(`${calls} calls, ${attempts} connections`);
  assert.deepEqual(await daemon.until(daemon.exit, 'the end of the first daemon'), { code: 0, signal: null });
  assert.equal((await daemon.status()).primary.pid, pids.at(-1));
  await stopAll(daemon);
});

test('a unix socket, a pidfile and the admin page go over, and are removed by the last one', async () => {
  const config: UserConfig = { host: 'unix:./grpc.sock', admin: 'unix:./admin.sock', pidfile: './pid' };
  await using daemon = await startDaemon({ config, deadline: 60_000 });
  const [path, pidfile] = [daemon.dir.join('grpc.sock'), daemon.dir.join('pid')];
  await using door = new Knocking({ path });
  await using sideDoor = new Knocking({ path: daemon.dir.join('admin.sock') });
  const pids = [daemon.pid];
  for (let round = 0; round < 2; round += 1) {
    const { report } = await upgrade(daemon);
    assert.equal(report.verdict, 'done', `${JSON.stringify(report)}\n${daemon.log.text}`);
    pids.push(report.pid);
    assert.equal(readFileSync(pidfile, 'utf8'), `${report.pid}\n`);
    assert.equal((await daemon.status()).address, `unix:${path}`);
  }
  for (const each of [door, sideDoor]) {
    const { refused, attempts } = await each.stop();
    assert.deepEqual(refused, [], `of ${attempts} connections`);
  }
  await using probe = new GrpcJsProbe(`unix:${path}`);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  await daemon.until(daemon.exit, 'the end of the first daemon');
  assert(existsSync(path) && existsSync(pidfile), 'the old one took them with it');
  await stopAll(daemon);
  assert.deepEqual(daemon.dir.files().filter((name) => !name.endsWith('.json')), []);
});

test('the new daemon reads the config anew: another port is opened, and the old one refuses once the old daemon is gone', async () => {
  await using daemon = await startDaemon({ config: { maxWorkers: 1 } });
  daemon.configure({ maxWorkers: 2, host: '127.0.0.2' });
  const { report } = await upgrade(daemon);
  assert.equal(report.verdict, 'done', report.error);
  await daemon.until(daemon.exit, 'the end of the old one');
  const { address, workers } = await daemon.status();
  assert.equal(workers.length, 2);
  assert.match(address, /^127\.0\.0\.2:/);
  await using probe = new GrpcJsProbe(address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  const { refused, attempts } = await new Knocking({ host: '127.0.0.1', port: daemon.port }).stop();
  assert.equal(refused.length, attempts);
  await stopAll(daemon);
});

test('a stop of the new daemon waits for the calls that the old one finishes, and a quick one does not', async () => {
  await using daemon = await startDaemon({ deadline: 60_000 });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 2500 });
  await probe.call('Probe/Echo');
  const upgraded = upgrade(daemon);
  const { pid } = await daemon.waitFor('upgrade.taken-over');
  process.kill(pid, 'SIGTERM');
  await daemon.waitFor('daemon.stopped', { pid });
  assert.equal(daemon.log.all('daemon.stopped', { pid: daemon.pid }).length, 1, 'the old one has to be first');
  assert.equal((await sleeping.outcome).code, 'OK');
  assert.equal((await upgraded).report.verdict, 'done');
  await allGone(daemon);
});

test('a quick stop of the new daemon makes the old one hurry', async () => {
  await using daemon = await startDaemon({ deadline: 60_000 });
  await using probe = new GrpcJsProbe(daemon.address);
  const sleeping = probe.open('Probe/Sleep', { ms: 20_000 });
  await probe.call('Probe/Echo');
  const upgraded = upgrade(daemon);
  const { pid } = await daemon.waitFor('upgrade.taken-over');
  process.kill(pid, 'SIGQUIT');
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'UNAVAILABLE');
  const { code, report } = await upgraded;
  assert.deepEqual([code, report.verdict, report.cut], [0, 'done', 1]);
  await daemon.waitFor('daemon.stopped', { pid });
  await allGone(daemon);
  assert.deepEqual(readdirSync(daemon.dir.join('run', 'grpcserverd')), []);
});

test('a reload after an upgrade works as ever, and so does a start of a second daemon: not', async () => {
  await using daemon = await startDaemon({ deadline: 60_000 });
  const { report } = await upgrade(daemon);
  const reloaded = await daemon.reload();
  assert.deepEqual([reloaded.code, reloaded.report.verdict], [0, 'done']);
  const { code, stderr } = await daemon.command('start', '--config', daemon.configFile);
  assert.equal(code, 75);
  assert.match(stderr, new RegExp(`runs already, pid ${report.pid}`));
  // Files for everybody, its own control socket and those of its links: nothing on its way to its name, nothing of the old one.
  const own = new RegExp(`^(?:control\\.sock|pid|state\\.json|lock|${report.pid.toString(36)}\\.(?:sock|\\d+))$`);
  const strange = readdirSync(folderOf(daemon)).filter((name) => !own.test(name));
  await stopAll(daemon);
  assert.deepEqual(strange, []);
});
