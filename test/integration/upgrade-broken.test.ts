// An upgrade that comes to nothing: the old daemon serves on, says why, and the next one goes through.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { BIN, servicer } from '../support/paths.js';
import { isAlive } from '../support/processes.js';
import { GrpcJsProbe } from '../support/probe.js';
import { runCli, testEnvironment } from '../support/cli.js';
import { TempDir } from '../support/temp-dir.js';
import { runUpgrade, stopAll, upgrade, type UpgradeOptions } from '../support/upgrade.js';

/** Short, for what hangs. */
const startTimeout = '3s';
const PROVE = process.env.PROVE !== undefined;
const PROBE = { servicers: [servicer('probe.js')] };
const filesOf = (daemon: Daemon): string[] => readdirSync(daemon.dir.join('run', 'grpcserverd', 'default')).sort();

interface Breakage {
  readonly what: string;
  readonly spoil?: (daemon: Daemon) => void;
  /** A program in place of ours. */
  readonly program?: string;
  readonly error: RegExp;
  /** Left to `npm run prove`. */
  readonly isSlow?: boolean;
}

const BREAKAGES: readonly Breakage[] = [
  { what: 'a config with a mistake', spoil: (daemon) => daemon.configure({ maxWorkers: 0 }), error: /maxWorkers/ },
  { what: 'a servicer that throws', spoil: (daemon) => daemon.configure({ servicers: [servicer('hook-throws.js')] }), error: /hook-throws\.js/ },
  { what: 'a servicer that never is ready', spoil: (daemon) => daemon.configure({ servicers: [servicer('never-ready.js')] }), error: /SIGKILL before it was ready/, isSlow: true },
  { what: 'an address that is taken', spoil: (daemon) => daemon.configure({ host: '0.0.0.0', port: daemon.port }), error: /is taken/ },
  { what: 'a program that cannot be loaded', program: "throw new Error('no such library');", error: /cannot be run: it exited with code 1[^]*no such library/ },
  { what: 'a program that is none of ours', program: "console.log('hello');", error: /tells no version/ },
  { what: 'a program that exits at once', program: "if (process.argv[2] === '--version') console.log('9.9.9'); else process.exit(3);", error: /exited with code 3/ },
  { what: 'a program that is killed', program: "if (process.argv[2] === '--version') console.log('9.9.9'); else process.kill(process.pid, 'SIGKILL');", error: /ended by SIGKILL/ },
  {
    what: 'a program that says nothing for ever',
    program: "if (process.argv[2] === '--version') console.log('9.9.9'); else { process.on('SIGQUIT', () => {}); setInterval(() => {}, 1000); }",
    error: /has not read its config within 8 s/,
  },
];

/** Upgrades in vain; one client's connection sees nothing of it, and the daemon is as it was. */
async function assertSurvives(daemon: Daemon, options: UpgradeOptions, { error }: Breakage): Promise<void> {
  await using probe = new GrpcJsProbe(daemon.address);
  const worker = (await probe.call('Probe/Identify')).messages[0]?.pid;
  const [files, processes] = [filesOf(daemon), daemon.processes().length];
  const { code, report } = await upgrade(daemon, options);
  assert.deepEqual([code, report.verdict, report.pid], [1, 'failed', daemon.pid], `${JSON.stringify(report)}\n${daemon.log.text}`);
  assert.match(`${report.error}\n${report.detail}`, error);
  assert.equal(daemon.log.all('upgrade.ended', { level: 'error' }).at(-1)?.error, report.error);
  assert.deepEqual(filesOf(daemon), files);
  assert.equal((await daemon.status()).primary.pid, daemon.pid);
  assert.equal((await probe.call('Probe/Identify')).messages[0]?.pid, worker);
  await daemon.deadline.poll(() => (daemon.processes().length === processes ? true : undefined), 'the end of the new one', () => daemon.log.text);
}

test('an upgrade to what cannot serve leaves the old daemon serving, with the reason', async (context) => {
  await using daemon = await startDaemon({ config: { ...PROBE, startTimeout }, deadline: 240_000 });
  const { port } = daemon;
  for (const breakage of BREAKAGES.filter(({ isSlow }) => isSlow !== true || PROVE)) {
    await context.test(breakage.what, async () => {
      breakage.spoil?.(daemon);
      const options = breakage.program === undefined ? {} : { program: daemon.dir.write('new.cjs', pretend(breakage.program)) };
      await assertSurvives(daemon, options, breakage);
      daemon.configure({ ...PROBE, maxWorkers: 1, host: '127.0.0.1', port: 0 });
    });
  }
  assert.equal((await upgrade(daemon)).report.verdict, 'done');
  assert.match((await daemon.status()).address, new RegExp(`:${port}$`));
  await stopAll(daemon);
});

test('a hook that throws twice is the end of an upgrade, however long a first start would be tried', async () => {
  await using daemon = await startDaemon({ config: { ...PROBE, startTimeout: '120s' }, deadline: 60_000 });
  daemon.configure({ ...PROBE, servicers: [servicer('hook-throws.js')], startTimeout: '120s' });
  const { code, report } = await upgrade(daemon);
  assert.deepEqual([code, report.verdict, report.pid], [1, 'failed', daemon.pid]);
  assert.match(report.error, /hook-throws\.js/);
  assert.equal(daemon.log.all('worker.failed', { role: 'primary' }).length, 2, daemon.log.text);
  await stopAll(daemon);
});

/** A new installation: its command is ours, but not what it runs. */
const pretend = (program: string): string => `if (process.argv[2] === 'upgrade') import(${JSON.stringify(BIN)}); else { ${program} }`;

test('once it is mended, the next upgrade goes through, and a person is told what happens', async () => {
  await using daemon = await startDaemon({ config: { startTimeout }, deadline: 60_000 });
  daemon.configure({ servicers: [servicer('no-hook.js')] });
  const failed = await runUpgrade(daemon);
  assert.equal(failed.code, 1);
  assert.match(failed.stdout, new RegExp(`^Failed: pid ${daemon.pid} serves on`, 'm'));
  assert.match(failed.stdout, /^E_SERVICER: .*no-hook\.js/m);
  daemon.configure(PROBE);
  const done = await runUpgrade(daemon);
  assert.equal(done.code, 0, done.stdout);
  assert.match(done.stdout, /^checking\nstarting grpcserverd \S+, pid \d+\ntaking over\ndraining the old one\nDone: grpcserverd \S+ on Node v\S+, pid \d+ serves/);
  await stopAll(daemon);
});

test('a new daemon that is killed before it is ready is reported, and leaves nothing', async () => {
  await using daemon = await startDaemon({ config: { startTimeout }, deadline: 60_000 });
  daemon.configure({ servicers: [servicer('never-ready.js')] });
  const processes = daemon.processes().length;
  const upgraded = upgrade(daemon);
  const { pid } = await daemon.waitFor('worker.starting', (record) => record.pid !== daemon.pid);
  process.kill(pid, 'SIGKILL');
  const { code, report } = await upgraded;
  assert.deepEqual([code, report.verdict], [1, 'failed']);
  assert.match(report.error, /ended by SIGKILL/);
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo')).code, 'OK');
  await daemon.deadline.poll(() => (daemon.processes().length === processes ? true : undefined), 'the end of its workers', () => daemon.log.text);
  daemon.configure(PROBE);
  assert.equal((await upgrade(daemon)).report.verdict, 'done');
  await stopAll(daemon);
});

test('when the old daemon is killed before the new one is ready, the new one serves on the same port, and calls wait for it', async () => {
  await using daemon = await startDaemon({ deadline: 60_000, files: { 'own.mjs': SLOW } });
  daemon.configure({ servicers: [servicer('probe.js'), daemon.dir.join('own.mjs')] });
  await using probe = new GrpcJsProbe(daemon.address);
  const upgraded = runUpgrade(daemon);
  const { pid } = await daemon.waitFor('worker.starting', (record) => record.pid !== daemon.pid);
  daemon.signal('SIGKILL');
  assert.equal((await probe.call('Probe/Echo', {}, { timeoutMs: 20_000 })).code, 'OK', daemon.log.text);
  const { code, stderr } = await upgraded;
  assert.equal(code, 69);
  assert.match(stderr, /The old daemon ended before the upgrade did/);
  await daemon.waitFor('upgrade.taken-over', { pid, consent: 'gone' });
  await daemon.deadline.poll(async () => ((await daemon.status()).primary.pid === pid ? true : undefined), 'the new one in charge');
  daemon.configure(PROBE);
  assert.equal((await upgrade(daemon)).report.verdict, 'done');
  await stopAll(daemon);
});

/** A hook that takes its time. */
const SLOW = 'export const grpcHook = () => new Promise((resolve) => setTimeout(resolve, 1500));\n';

test('when the old daemon is killed while it drains, the new one serves on', async () => {
  await using daemon = await startDaemon({ deadline: 60_000 });
  await using probe = new GrpcJsProbe(daemon.address);
  await probe.call('Probe/Echo');
  const upgraded = runUpgrade(daemon);
  // As late as can be: it has to outlast what is left of the upgrade, however slow the machine is.
  await daemon.waitFor('worker.starting', (record) => record.pid !== daemon.pid);
  const sleeping = probe.open('Probe/Sleep', { ms: 3000 });
  const { pid } = await daemon.waitFor('upgrade.ended', { verdict: 'done' });
  assert.equal(pid, daemon.pid);
  daemon.signal('SIGKILL');
  const { code, stderr } = await upgraded;
  assert.equal(code, 69);
  // Of the new one's pid it may not have heard yet.
  assert.match(stderr, /ended before the upgrade did/);
  assert.equal((await daemon.until(sleeping.outcome, 'the end of the call')).code, 'OK');
  await using late = new GrpcJsProbe(daemon.address);
  assert.equal((await late.call('Probe/Echo')).code, 'OK');
  await stopAll(daemon);
  assert.deepEqual(daemon.dir.files('run'), []);
});

test('what would get in the way of an upgrade is refused while it goes on, and the other way round', async () => {
  await using daemon = await startDaemon({ deadline: 60_000, files: { 'own.mjs': SLOW } });
  daemon.configure({ servicers: [servicer('probe.js'), daemon.dir.join('own.mjs')] });
  const upgraded = upgrade(daemon);
  await daemon.waitFor('upgrade.started');
  const [second, reloaded] = await Promise.all([upgrade(daemon), daemon.reload()]);
  assert.deepEqual([second.code, second.report.verdict, second.report.error], [1, 'refused', 'Another upgrade is going on']);
  assert.deepEqual([reloaded.report.verdict, reloaded.report.error], ['refused', 'An upgrade of the daemon is going on']);
  assert.equal((await upgraded).report.verdict, 'done');
  const again = daemon.reload();
  await daemon.waitFor('reload.started');
  const { report } = await upgrade(daemon);
  assert.deepEqual([report.verdict, report.error], ['refused', 'A reload is going on']);
  assert.equal((await again).report.verdict, 'done');
  await stopAll(daemon);
});

test('a stop pre-empts an upgrade, and the new daemon goes with the old one', async () => {
  await using daemon = await startDaemon({ config: { startTimeout: '20s' } });
  daemon.configure({ servicers: [servicer('never-ready.js')] });
  const upgraded = upgrade(daemon);
  const { pid } = await daemon.waitFor('worker.starting', (record) => record.pid !== daemon.pid);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  const { code, report } = await upgraded;
  assert.deepEqual([code, report.verdict], [75, 'pre-empted']);
  assert(!isAlive(pid));
});

test('a daemon of a version that cannot be replaced is told from one that does not answer', async () => {
  using dir = new TempDir();
  const folder = dir.join('grpcserverd', 'old');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  dir.write('grpcserverd/old/state.json', JSON.stringify({ pid: process.pid, name: 'old', version: '0.0.1', configFile: null }));
  const server = new Server();
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${folder}/control.sock`, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error))),
  );
  try {
    const { code, stderr } = await runCli(['upgrade'], { env: testEnvironment({ XDG_RUNTIME_DIR: dir.path }) });
    assert.equal(code, 1);
    assert.match(stderr, /of a version that cannot be replaced while it serves\nRestart it this once/);
  } finally {
    server.forceShutdown();
  }
});
