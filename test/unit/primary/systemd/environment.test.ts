import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeServiceManager } from '#src/primary/systemd/environment.js';

const PID = 4711;
const take = (env: Record<string, string>) => takeServiceManager(env, PID);

test('what systemd says is read, and taken out of the environment of all children', () => {
  const env: Record<string, string> = {
    HOME: '/', NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '30000000', WATCHDOG_PID: '4711',
    LISTEN_FDS: '4', LISTEN_PID: '4711', LISTEN_FDNAMES: 'grpc::admin:unknown',
  };
  assert.deepEqual(takeServiceManager(env, PID), {
    notifySocket: '/run/systemd/notify',
    watchdog: 30_000,
    sockets: [{ fd: 3, name: 'grpc' }, { fd: 4, name: null }, { fd: 6, name: null }],
    adminSockets: [{ fd: 5, name: 'admin' }],
    warnings: [],
  });
  assert.deepEqual(env, { HOME: '/' });
});

test('a process that systemd did not start is told nothing', () => {
  const nothing = { notifySocket: null, watchdog: null, sockets: [], adminSockets: [], warnings: [] };
  assert.deepEqual(take({}), nothing);
  assert.deepEqual(take({ NOTIFY_SOCKET: '', LISTEN_FDS: '', WATCHDOG_USEC: '' }), nothing);
});

test('a watchdog is answered by the process that it is meant for, and by everyone when none is named', () => {
  const socket = { NOTIFY_SOCKET: '/x' };
  assert.equal(take({ ...socket, WATCHDOG_USEC: '1500' }).watchdog, 1.5);
  assert.equal(take({ ...socket, WATCHDOG_USEC: '1500', WATCHDOG_PID: '1' }).watchdog, null);
  assert.equal(take({ WATCHDOG_USEC: '1500' }).watchdog, null, 'there is nowhere to answer');
});

for (const [env, warning] of [
  [{ LISTEN_FDS: '1' }, /LISTEN_PID is missing/],
  [{ LISTEN_FDS: '1', LISTEN_PID: '12' }, /LISTEN_PID is 12 and not 4711/],
  [{ LISTEN_FDS: '0', LISTEN_PID: '4711' }, /LISTEN_FDS is "0"/],
  [{ LISTEN_FDS: '-2', LISTEN_PID: '4711' }, /LISTEN_FDS is "-2"/],
  [{ LISTEN_FDS: '1e3', LISTEN_PID: '4711' }, /LISTEN_FDS is "1e3"/],
  [{ LISTEN_FDS: '99999', LISTEN_PID: '4711' }, /LISTEN_FDS is "99999"/],
  [{ NOTIFY_SOCKET: '/x', WATCHDOG_USEC: 'soon' }, /WATCHDOG_USEC is "soon"/],
] as const) {
  test(`${JSON.stringify(env)} is a warning, and no more`, () => {
    const { sockets, watchdog, warnings } = take(env);
    assert.deepEqual([sockets, watchdog, warnings.length], [[], null, 1]);
    assert.match(warnings[0] ?? '', warning);
  });
}
