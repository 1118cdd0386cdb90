// Reloads one after another under load: no call fails, whoever the client is and however the reload was asked for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { TestCertificates } from '../support/daemon-certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { MixedLoad } from '../support/mixed-load.js';
import type { ClientTls } from '../support/calls.js';

const PROVE = process.env.PROVE !== undefined;
const config: UserConfig = { maxWorkers: 2, log: { level: 'info' } };

type Ask = (daemon: Daemon, round: number) => Promise<void>;

const byCommand: Ask = async (daemon) => {
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done'], report.error);
};

const byHup: Ask = async (daemon, round) => {
  daemon.signal('SIGHUP');
  await daemon.waitFor('reload.ended', { verdict: 'done' }, round);
};

async function reloadUnderLoad(daemon: Daemon, rounds: number, ask: Ask, tls?: ClientTls): Promise<number> {
  await using load = new MixedLoad(daemon.address, tls);
  await daemon.until(load.loading(), 'the first answers');
  for (let round = 1; round <= rounds; round += 1) await ask(daemon, round);
  return await daemon.until(load.assertNoneFailed(), 'the end of the load');
}

test('reloads one after another fail no call', async (context) => {
  const rounds = PROVE ? 100 : 10;
  await using daemon = await startDaemon({ config, deadline: rounds * 20_000 });
  const begun = performance.now();
  const calls = await reloadUnderLoad(daemon, rounds, byHup);
  context.diagnostic(`${calls} calls, ${rounds} reloads, ${Math.round(performance.now() - begun)} ms`);
  assert.equal(daemon.log.all('call.cut').length, 0);
});

test('reloads with a surge of one worker fail no call', async () => {
  const rounds = PROVE ? 20 : 3;
  await using daemon = await startDaemon({ config: { ...config, maxWorkers: 3, surge: 1 }, deadline: rounds * 20_000 });
  await reloadUnderLoad(daemon, rounds, byCommand);
});

test('reloads over TLS fail no call', async () => {
  const rounds = PROVE ? 20 : 3;
  using certificates = await TestCertificates.make();
  await using daemon = await startDaemon({ config: { ...config, ...certificates.tls }, deadline: rounds * 20_000 });
  await reloadUnderLoad(daemon, rounds, byHup, certificates.clientTls());
});
