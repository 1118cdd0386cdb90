// One line for a call: which calls, and what is said of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import type { LogRecord } from '../support/daemon-log.js';
import { GrpcJsProbe } from '../support/probe.js';

const SECRET = 'hunter2';

/** Calls that end in every way, one after the other. @returns the lines of the calls themselves */
async function callAll(daemon: Daemon, lines: number): Promise<LogRecord[]> {
  await using probe = new GrpcJsProbe(daemon.address);
  const metadata = [['authorization', SECRET]] as const;
  await probe.call('Probe/Echo', { body: Buffer.from(SECRET) }, { metadata });
  await probe.call('Probe/Fail', { code: 5, details: SECRET }, { metadata });
  await probe.call('Probe/Sleep', { ms: 5000 }, { timeoutMs: 500 });
  await probe.call('Probe/Repeat', { times: 3, size: 1, ms: 1 });
  await probe.call('Probe/Echo', { size: 1 });
  const open = probe.open('Probe/Hold', { key: 'x' });
  await daemon.until(open.first, 'the first message');
  open.cancel();
  await daemon.waitFor('call.ended', { method: '/probe.v1.Probe/Hold' });
  assert.equal(daemon.log.all('call.ended').length, lines, daemon.log.text);
  assert(!daemon.log.text.includes(SECRET), 'what a client sends is in no line');
  return daemon.log.all('call.ended');
}

const brief = ({ method, code, received, sent }: LogRecord): unknown[] => [String(method).slice('/probe.v1.Probe/'.length), code, received, sent];
const start = (log: UserConfig['log']): Promise<Daemon> => startDaemon({ config: { maxWorkers: 1, log: { ...log } } });

test('all: a line for each call, with its worker, its peer, its status, its time and its messages', async () => {
  await using daemon = await start({ access: 'all' });
  const lines = await callAll(daemon, 6);
  assert.deepEqual(lines.map(brief), [
    ['Echo', 'OK', 1, 1],
    ['Fail', 'NOT_FOUND', 1, 0],
    ['Sleep', 'DEADLINE_EXCEEDED', 1, 0],
    ['Repeat', 'OK', 1, 3],
    ['Echo', 'OK', 1, 1],
    ['Hold', 'CANCELLED', 1, 1],
  ]);
  for (const { role, slot, generation, pid, peer, level } of lines) {
    assert.deepEqual({ role, slot, generation, pid, level }, { role: 'worker', slot: 0, generation: 1, pid: daemon.workerPid(), level: 'info' });
    assert.match(String(peer), /^127\.0\.0\.1:\d+$/);
  }
  assert(Number(lines[2]?.ms) > 50 && Number(lines[2]?.ms) < 5000, String(lines[2]?.ms));
});

test('errors: a line for each call that ended otherwise than OK', async () => {
  await using daemon = await start({ access: 'errors' });
  assert.deepEqual((await callAll(daemon, 3)).map(({ code }) => code), ['NOT_FOUND', 'DEADLINE_EXCEEDED', 'CANCELLED']);
});

test('accessSample: one in so many of the calls that ended OK, and all others', async () => {
  await using daemon = await start({ access: 'all', accessSample: 3 });
  assert.deepEqual((await callAll(daemon, 4)).map(brief), [
    ['Fail', 'NOT_FOUND', 1, 0],
    ['Sleep', 'DEADLINE_EXCEEDED', 1, 0],
    ['Echo', 'OK', 1, 1],
    ['Hold', 'CANCELLED', 1, 1],
  ]);
});

test('off, as it is by default: no line', async () => {
  await using daemon = await startDaemon();
  await using probe = new GrpcJsProbe(daemon.address);
  assert.equal((await probe.call('Probe/Echo', { size: 1 })).code, 'OK');
  await daemon.stop();
  assert.deepEqual(daemon.log.all('call.ended'), []);
});
