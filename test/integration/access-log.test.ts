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
  await probe.call('Probe/Sleep', { ms: 30_000 }, { timeoutMs: 1000 });
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
  assert(Number(lines[2]?.ms) > 500 && Number(lines[2]?.ms) < 30_000, String(lines[2]?.ms));
});

for (const [name, transport] of [['http2', 'http2'], ['lean', 'lean']] as const) {
  test(`with transport ${name} a line has the bytes of the messages, in both directions, also of a call that was cut short`, async () => {
    await using daemon = await startDaemon({ config: { maxWorkers: 1, transport, balance: 'connection', log: { access: 'all' } } });
    await using probe = new GrpcJsProbe(daemon.address);
    const body = Buffer.alloc(100_000);
    assert.equal((await probe.call('Probe/Echo', {})).code, 'OK');
    assert.equal((await probe.call('Probe/Echo', { body })).code, 'OK');
    assert.equal((await probe.call('Probe/Repeat', { times: 3, size: 1000, ms: 0 })).code, 'OK');
    assert.equal((await probe.call('Probe/Fail', { code: 5 })).code, 'NOT_FOUND');
    await daemon.waitFor('call.ended', {}, 4);
    const lines = daemon.log.all('call.ended').map(({ bytesReceived, bytesSent }) => [Number(bytesReceived), Number(bytesSent)] as const);
    const [empty, large, repeated, failed] = lines;
    // Five bytes before each message, and the message; the echo tells of itself in a few more.
    assert.equal(empty?.[0], 5);
    assert(large !== undefined && large[0] >= 100_005 && large[0] < 100_020 && large[1] >= 100_005 && large[1] < 100_200, String(large));
    assert(repeated !== undefined && repeated[0] < 50 && repeated[1] >= 3015 && repeated[1] < 3300, String(repeated));
    assert(failed !== undefined && failed[0] > 5 && failed[1] === 0, String(failed));
  });
}

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
