// A log that cannot be written is a lost line and nothing else.
import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { Daemon, startDaemon } from '../support/daemon.js';
import { BIN } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

/** Starts the bin from a shell line, in which "$@" are its arguments. */
const shell = (line: string): readonly [string, ...string[]] => ['/bin/sh', '-c', line, process.execPath, BIN, 'start'];
const START = 'exec "$0" "$@"';

/** Serving, crashes, reloads and the stop go on. */
async function assertWorks(daemon: Daemon): Promise<void> {
  const { address, workers } = await daemon.deadline.poll(async () => {
    const { stdout } = await daemon.command('status', '--json', '--config', daemon.configFile);
    const status = stdout.startsWith('{') ? (JSON.parse(stdout) as Awaited<ReturnType<Daemon['status']>>) : undefined;
    return status?.health === 'healthy' ? status : undefined;
  }, 'a healthy daemon');
  await using probe = new GrpcJsProbe(address);
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
  process.kill(workers[0]?.pid ?? assert.fail('no worker'), 'SIGKILL');
  const { code, report } = await daemon.reload();
  assert.deepEqual([code, report.verdict], [0, 'done'], report.error);
  assert.equal((await daemon.until(probe.call('Probe/Echo'), 'an answer')).code, 'OK');
}

test('with standard output on a full disk', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async () => {
  await using daemon = new Daemon({ launcher: shell(`${START} >/dev/full`) });
  await assertWorks(daemon);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});

test('with nobody who reads its output', async () => {
  await using daemon = await startDaemon();
  daemon.closeOutput();
  await assertWorks(daemon);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});

test('with a log file at the limit of its size; the lost lines are counted once there is room again', async () => {
  using dir = new TempDir();
  const file = dir.join('log');
  // In blocks of 512 bytes, for this shell and what it becomes.
  await using daemon = new Daemon({ launcher: shell(`ulimit -f 8; ${START} >>${file}`) });
  await assertWorks(daemon);
  for (let reload = 0; reload < 3 && statSync(file).size < 4096; reload += 1) await daemon.reload();
  assert.equal(statSync(file).size, 4096, 'the log is full');
  const descriptor = openSync(file, 'r+');
  ftruncateSync(descriptor);
  closeSync(descriptor);
  assert.equal((await daemon.reload()).code, 0);
  assert.match(readFileSync(file, 'utf8'), /"event":"log\.dropped","lines":\d+,"error":"EFBIG"/);
  assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
});
