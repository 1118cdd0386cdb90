// What cannot start says why, exits with the code of its kind, and leaves nothing behind.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { EXIT, type ExitCode } from '#src/shared/exit-codes.js';
import type { DaemonLog } from '../support/daemon-log.js';
import { failDaemon, startDaemon } from '../support/daemon.js';
import { NOBODY, notAsNobody } from '../support/ordinary-user.js';
import { interceptor, servicer } from '../support/paths.js';
import { TempDir } from '../support/temp-dir.js';

/** What a person reads: the last lines of the log and of stderr. */
const said = (log: DaemonLog): string => log.text;

async function assertFails(config: UserConfig, exitCode: ExitCode, ...texts: readonly RegExp[]): Promise<DaemonLog> {
  const { code, signal, log } = await failDaemon({ config });
  assert.deepEqual({ code, signal }, { code: exitCode, signal: null }, log.text);
  for (const text of texts) assert.match(said(log), text);
  assert.deepEqual(log.all('daemon.ready'), []);
  return log;
}

const BAD_SERVICERS: readonly (readonly [file: string, exitCode: ExitCode, ...texts: RegExp[]])[] = [
  ['throws-on-import.js', EXIT.config, /the database driver is not installed/, /throws-on-import\.js/],
  ['imports-nothing-there.js', EXIT.config, /not-there\.js/],
  ['syntax-error.ts', EXIT.config, /syntax-error\.ts:3/],
  ['syntax-error.js', EXIT.config, /syntax-error\.js:3/],
  ['no-hook.js', EXIT.config, /grpcHook/, /no-hook\.js/],
  ['not-there-at-all.js', EXIT.config, /not-there-at-all\.js/],
];

for (const [file, exitCode, ...texts] of BAD_SERVICERS) {
  test(`the servicer ${file} stops the start at once with exit code ${exitCode}`, async () => {
    await assertFails({ servicers: [servicer(file)], maxWorkers: 2 }, exitCode, ...texts);
  });
}

test('the same service in two servicers is refused, and named', async () => {
  await assertFails({ servicers: [servicer('probe.js'), servicer('duplicate-service.js')] }, EXIT.config, /probe\.v1\.Probe/);
});

test('an interceptor that is no function is refused', async () => {
  await assertFails({ interceptors: [interceptor('not-one.js')] }, EXIT.config, /not-one\.js/);
});

for (const [file, text] of [
  ['hook-throws.js', /hook-throws\.js[^]*no database url is set/],
  ['hook-rejects.js', /hook-rejects\.js[^]*the database refused the password/],
  ['hook-never-settles.js', /hook-never-settles\.js/],
  ['never-ready.js', /startTimeout/],
  ['crashes-on-boot.js', /exit code 3/],
  ['aborts-on-boot.js', /SIGABRT/],
] as const) {
  test(`the servicer ${file} is tried again, and then makes the start fail with exit code 70`, async () => {
    const log = await assertFails({ servicers: [servicer(file)], startTimeout: '1s' }, EXIT.workersCannotBoot, text);
    assert(log.all('worker.starting').length > 1);
  });
}

test('a port that is taken is refused with exit code 71, and its owner is named', async () => {
  const owner = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => owner.once('listening', resolve));
  const { port } = owner.address() as AddressInfo;
  try {
    await assertFails({ port }, EXIT.osError, new RegExp(`127\\.0\\.0\\.1:${port} is taken`), new RegExp(`\\b${process.pid}\\b`));
  } finally {
    owner.close();
  }
});

test('an address of another machine is refused with exit code 71', async () => {
  await assertFails({ host: '192.0.2.1' }, EXIT.osError, /192\.0\.2\.1/);
});

const PRIVILEGED = '/proc/sys/net/ipv4/ip_unprivileged_port_start';
const isFree = !existsSync(PRIVILEGED) || Number(readFileSync(PRIVILEGED, 'utf8')) <= 1;
const cannotDrop = isFree ? 'every port is free to everybody here' : notAsNobody();

test('a privileged port is refused to an ordinary user with exit code 77', { skip: cannotDrop }, async () => {
  const { code, log } = await failDaemon({ config: { port: 1 }, uid: NOBODY });
  assert.equal(code, EXIT.noPermission, log.text);
  assert.match(said(log), /CAP_NET_BIND_SERVICE/);
});

test('a second daemon of the same name is refused with exit code 75, and the first goes on', async () => {
  await using first = await startDaemon();
  const { code, log } = await failDaemon({ env: { XDG_RUNTIME_DIR: first.dir.join('run') } });
  assert.equal(code, EXIT.tryLater, log.text);
  assert.match(said(log), new RegExp(`\\b${first.pid}\\b`));
  assert.equal((await first.status()).primary.pid, first.pid);
});

test('a runtime folder that cannot be made is refused with exit code 73', async () => {
  using dir = new TempDir();
  const file = dir.write('a-file', '');
  await assertFails({ runtimeDir: `${file}/run` }, EXIT.cannotCreate, /a-file/);
  // Where nobody can make folders: mkdir with `recursive` would never come back from there.
  await assertFails({ runtimeDir: '/proc/no-such-folder' }, EXIT.cannotCreate, /no-such-folder/);
});

test('without any servicer there is nothing to start', async () => {
  const { code, log } = await failDaemon({ noConfig: true, args: ['--port', '0'] });
  assert.equal(code, EXIT.config, log.text);
  assert.match(said(log), /servicers/);
});

test('an unknown key is refused, and the nearest one suggested', async () => {
  const { code, log } = await failDaemon({ configText: { name: 'grpcserverd.yaml', text: 'servicer:\n  - ./x.js\n' } });
  assert.equal(code, EXIT.config, log.text);
  assert.match(said(log), /servicers/);
});

test('one worker that cannot boot does not matter while another one is ready', async () => {
  await using daemon = await startDaemon({ config: { servicers: [servicer('probe.js'), servicer('half-boots.js')], maxWorkers: 2, startTimeout: '3s' } });
  const { health, workers } = await daemon.status();
  assert.equal(health, 'degraded');
  assert.deepEqual(workers.filter(({ state }) => state === 'ready').map(({ slot }) => slot), [1]);
});
