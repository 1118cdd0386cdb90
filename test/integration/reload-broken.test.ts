// A reload into something broken: the old generation serves on untouched, the error names its place, and once it is
// mended the next reload goes through.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import type { ReloadVerdict } from '#src/control/definition.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { dying, GOOD, hook, SERVICER, startOwn } from '../support/own-servicer.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

/** Short, for what hangs. */
const startTimeout = '2s';

/** Reloads in vain, mends it, and reloads for good; one client's connection sees nothing of the first. */
async function assertSurvives(daemon: Daemon, expected: { verdict: ReloadVerdict; error: RegExp }, mend: () => void): Promise<void> {
  await using probe = new GrpcJsProbe(daemon.address);
  const before = await daemon.status();
  const pid = (await probe.call('Probe/Identify')).messages[0]?.pid;

  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict, report.generation], [1, expected.verdict, 1], JSON.stringify(report));
  assert.match(report.error, expected.error);
  const after = await daemon.status();
  assert.deepEqual(after.workers.map(({ pid, state }) => [pid, state]), before.workers.map(({ pid }) => [pid, 'ready']));
  assert.equal(after.health, 'degraded');
  assert.match(after.problems.join('\n'), new RegExp(`last reload failed \\(${expected.verdict}\\)`));
  assert.match(after.problems.join('\n'), expected.error);
  assert.equal((await probe.call('Probe/Identify')).messages[0]?.pid, pid);
  assert.deepEqual(daemon.log.all('worker.draining', { generation: 1 }), []);

  mend();
  const mended = await daemon.reload();
  assert.deepEqual([mended.code, mended.report.verdict], [0, 'done'], JSON.stringify(mended.report));
  assert.equal((await probe.call('Probe/Identify')).messages[0]?.generation, mended.report.generation);
  assert.equal((await daemon.status()).health, 'healthy');
}

const BROKEN_CODE: readonly (readonly [what: string, code: string, error: RegExp])[] = [
  ['a syntax error', `${GOOD}\nconst x = = 1;\n`, /own\.js:3/],
  ['an import of what is not there', `import './not-there.js';\n${GOOD}`, /not-there\.js/],
  ['a hook that throws', hook("throw new Error('no database url');"), /own\.js[^]*no database url/],
  ['a hook that hangs', hook('await new Promise(() => {});'), /own\.js/],
  ['an import that blocks for ever', `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);\n${GOOD}`, /startTimeout/],
  ['a process that dies after it was ready', dying(), /exit code 9/],
];

for (const [what, code, error] of BROKEN_CODE) {
  test(`new code with ${what} is rolled back`, async () => {
    await using daemon = await startOwn({ startTimeout });
    daemon.dir.write(SERVICER, code);
    await assertSurvives(daemon, { verdict: 'rolled-back', error }, () => daemon.dir.write(SERVICER, GOOD));
  });
}

test('a canary that dies while the others start is rolled back', async () => {
  await using daemon = await startOwn({ maxWorkers: 3, bootConcurrency: 1 });
  daemon.dir.write(SERVICER, dying('context.slot === 0'));
  await assertSurvives(daemon, { verdict: 'rolled-back', error: /exit code 9/ }, () => daemon.dir.write(SERVICER, GOOD));
});

test('a config with an unknown key is refused', async () => {
  await using daemon = await startOwn();
  daemon.configure({ maxWorker: 2 } as UserConfig);
  await assertSurvives(daemon, { verdict: 'refused', error: /maxWorker/ }, () => daemon.configure({ maxWorker: undefined } as UserConfig));
});

test('a config file that cannot be parsed is refused with its line', async () => {
  const good = `servicers: [${servicer('probe.js')}]\nmaxWorkers: 1\nhost: 127.0.0.1\nport: 0\n`;
  await using daemon = await startDaemon({ configText: { name: 'grpcserverd.config.yaml', text: good } });
  daemon.dir.write('grpcserverd.config.yaml', `${good}log: {level: [info\n`);
  await assertSurvives(daemon, { verdict: 'refused', error: /grpcserverd\.config\.yaml:\d/ }, () => daemon.dir.write('grpcserverd.config.yaml', good));
});

test('a certificate that does not fit is refused', async () => {
  using certificates = await TestCertificates.make();
  await using daemon = await startOwn();
  const { authentication } = certificates.tls;
  daemon.configure({ authentication, certificates: { serverCertificate: certificates.expired.cert, serverCertificateKey: certificates.expired.key } });
  await assertSurvives(daemon, { verdict: 'refused', error: /expired/ }, () => daemon.configure({ authentication: false }));
});

test('a new port that is taken is refused, and the old one serves on', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    await using daemon = await startOwn();
    const { port } = taken.address() as AddressInfo;
    daemon.configure({ port });
    await assertSurvives(daemon, { verdict: 'refused', error: new RegExp(`127\\.0\\.0\\.1:${port} is taken`) }, () => daemon.configure({ port: 0 }));
  } finally {
    taken.close();
  }
});
