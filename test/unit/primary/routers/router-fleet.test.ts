// The routers as the primary keeps them: forked again when they die or cannot be made, killed when they hang.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FromRouter } from '#src/ipc/router-messages.js';
import { Dispatcher } from '#src/primary/dispatcher.js';
import type { ForkedProcess } from '#src/primary/fork.js';
import { RouterFleet } from '#src/primary/routers/router-fleet.js';
import { resolveConfig } from '#src/config/resolve.js';
import type { UserConfig } from '#src/config/options.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { fakeFork, type FakeProcess } from '../../../support/fake-fork.js';

const configOf = (data: UserConfig) =>
  resolveConfig({ file: { path: '/app/x.json', data: { servicers: ['./a.js'], transport: 'lean', balance: 'rpc', ...data } }, env: {}, flags: {}, cwd: '/' }).config;

function rig(fork?: () => ForkedProcess) {
  const clock = new FakeClock();
  const said: string[] = [];
  const limits: unknown[] = [];
  const fake = fakeFork();
  const fleet = new RouterFleet({
    clock, random: () => 0.5, fork: fork ?? (() => fake.fork()), config: configOf({}), tls: null, ticketKeys: '', logFormat: 'json',
    emit: (name) => said.push(name),
    dispatcher: new Dispatcher({ clock, maxConnections: 10, maxConnectionsPerAddress: null, maxHeld: 10, queueTimeout: 1000, onRefused: () => undefined }),
    linkPath: (worker) => `/nowhere/w${worker}.sock`,
    onChange: () => undefined,
    onLimit: (told) => limits.push(told),
  });
  // The fake speaks as workers do; here it is a router.
  const says = (process: FakeProcess | undefined, message: FromRouter): void => void process?.emit('message', message);
  return { clock, said, limits, fleet, processes: fake.processes, says };
}

test('a router that cannot be forked is tried again, and holds no stop up', async () => {
  const { clock, said, fleet } = rig(() => {
    throw new Error('EAGAIN');
  });
  fleet.start();
  assert.deepEqual(said, ['router.failed']);
  clock.advance(0);
  clock.advance(600);
  assert.deepEqual(said, ['router.failed', 'router.failed', 'router.failed']);
  fleet.drain('stop', null);
  await fleet.over();
});

test('a router that dies is forked again, and one that was told to go is not', async () => {
  const { clock, fleet, processes, says } = rig();
  fleet.start();
  says(processes[0], { type: 'ready' });
  processes[0]?.exits(null, 'SIGKILL');
  clock.advance(0);
  assert.equal(processes.length, 2);
  fleet.drain('stop', null);
  processes[1]?.exits(0);
  await fleet.over();
  clock.advance(60_000);
  assert.equal(processes.length, 2);
});

test('a router that is late to start, or silent, is killed', () => {
  const { clock, fleet, processes, says } = rig();
  fleet.start();
  clock.advance(10_000);
  assert.deepEqual(processes[0]?.signals, []);
  clock.advance(1000);
  assert.deepEqual(processes[0].signals, ['SIGKILL']);
  processes[0].exits(null, 'SIGKILL');
  clock.advance(0);
  says(processes[1], { type: 'ready' });
  clock.advance(20_000);
  assert.deepEqual(processes[1]?.signals, []);
  clock.advance(1000);
  assert.deepEqual(processes[1].signals, ['SIGKILL']);
});

test('who may connect is told to running routers, with the time that those have who came under another rule', () => {
  const { fleet, processes, says } = rig();
  fleet.start();
  says(processes[0], { type: 'ready' });
  const orders = (): unknown[] => (processes[0]?.sent ?? []).filter(({ type }) => /^set-(security|certificates)$/.test(type));
  const pem = { certificate: 'c', key: 'k', authorities: null };
  fleet.apply(configOf({ authentication: 'ssl', gracefulTimeout: '5s', streamGracefulTimeout: '7s' }), { pem });
  const security = { type: 'set-security', clientAuthentication: 'none', grace: 7000 };
  assert.deepEqual(orders(), [{ ...security, tls: { pem } }]);
  fleet.apply(configOf({ authentication: 'ssl', gracefulTimeout: '5s', streamGracefulTimeout: '7s', reflection: false }), { pem });
  assert.deepEqual(orders().slice(1), [{ type: 'set-certificates', tls: { pem } }], 'nobody leaves for what is no other rule');
  fleet.apply(configOf({ gracefulTimeout: '5s', streamGracefulTimeout: '7s' }), null);
  assert.deepEqual(orders().slice(2), [{ ...security, tls: null }]);
});

test('a router that has its order and is not ready yet hears of new settings, too', () => {
  const { fleet, processes, says } = rig();
  fleet.start();
  says(processes[0], { type: 'awake' });
  fleet.apply(configOf({ authentication: 'ssl', clientAuthentication: 'require' }), { pem: { certificate: 'c', key: 'k', authorities: 'a' } });
  assert.deepEqual(processes[0]?.sent.map(({ type }) => type as string), ['start', 'set-limits', 'set-log-level', 'set-security']);
});

test('what clients of a router came to is told on, and kept with the router', () => {
  const { fleet, limits, processes, says } = rig();
  fleet.start();
  says(processes[0], { type: 'ready' });
  const told = { type: 'limit-reached', limit: 'resets', count: 2 } as const;
  says(processes[0], told);
  says(processes[0], told);
  assert.deepEqual(limits, [told, told]);
  assert.deepEqual(fleet.routers.map((router) => router.limits.counts), [{ resets: 4 }]);
});
