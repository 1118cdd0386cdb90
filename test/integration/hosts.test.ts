// Past one machine: three hosts behind what people put in front of them, reloaded and restarted one by one under load.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import type { Daemon } from '../support/daemon.js';
import { Deadline } from '../support/deadline.js';
import { Hosts, noHosts } from '../support/hosts.js';
import { ROOT, servicer } from '../support/paths.js';
import { skipUnless, type Tool } from '../support/peers.js';
import { GrpcJsProbe } from '../support/probe.js';

const HOSTS = 3;
/** The numbers of docs/load-balancers.md, but for the time that calls get. */
const config: UserConfig = { servicers: [servicer('probe.js')], maxWorkers: 2, shutdownDelay: '1s', gracefulTimeout: '10s' };

const PROXIES: readonly { readonly tool: Tool; readonly command: readonly [string, ...string[]] }[] = [
  { tool: 'haproxy', command: ['haproxy', '-db', '-f', `${ROOT}examples/load-balancers/haproxy.cfg`] },
  { tool: 'nginx', command: ['nginx', '-c', `${ROOT}examples/load-balancers/nginx.conf`, '-e', 'stderr', '-g', 'daemon off; user root;'] },
];

const skip = noHosts();

describe('three hosts', { skip, timeout: 240_000 }, () => {
  let hosts: Hosts;
  const daemons: Daemon[] = [];
  before(async () => {
    hosts = new Hosts(HOSTS);
    daemons.push(...(await Promise.all(hosts.addresses.map((_, index) => hosts.start(index, config)))));
  });
  after(async () => {
    for (const daemon of daemons) await daemon[Symbol.asyncDispose]();
    hosts[Symbol.dispose]();
  });

  /** Calls of a client to its address while every host is reloaded, then restarted, one after the other. */
  async function rollThrough(probe: GrpcJsProbe): Promise<void> {
    const loads = [
      probe.load('Probe/Sleep', { ms: 20 }, 12),
      probe.load('Probe/Repeat', { times: 10, size: 1000, ms: 10 }, 2),
      probe.load('Probe/Converse', Array(10).fill({ size: 1000 }), 2, { lockstep: true }),
    ];
    await Promise.all(loads.map(({ loading }) => loading));
    for (const daemon of daemons) {
      const { report } = await daemon.reload();
      assert.equal(report.verdict, 'done', report.error);
    }
    for (const [index, daemon] of daemons.entries()) {
      await daemon[Symbol.asyncDispose]();
      daemons[index] = await hosts.start(index, config);
    }
    for (const [index, daemon] of daemons.entries()) {
      const hasCalls = async (): Promise<true | undefined> => (await daemon.status()).workers.some(({ calls }) => calls > 0) || undefined;
      await daemon.deadline.poll(hasCalls, `calls for host ${index} after its restart`);
    }
    for (const { calls, codes, details } of await Promise.all(loads.map((load) => load.stop()))) {
      assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));
    }
  }

  for (const { tool, command } of PROXIES) {
    test(`behind ${tool} no call fails while they are reloaded and restarted one by one`, { skip: skip === false && skipUnless(tool) }, async () => {
      const proxy = await startProxy(command);
      try {
        await using probe = new GrpcJsProbe('10.90.0.1:50051');
        await rollThrough(probe);
      } finally {
        await stopProxy(proxy);
      }
    });
  }

  test('with round_robin in the client no call fails while they are reloaded and restarted one by one', async () => {
    const target = `ipv4:${hosts.addresses.map((address) => `${address}:50051`).join(',')}`;
    await using probe = new GrpcJsProbe(target, undefined, { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) });
    await rollThrough(probe);
  });
});

async function startProxy([program, ...args]: readonly [string, ...string[]]): Promise<ChildProcess> {
  const proxy = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  proxy.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Deadline(20_000).poll(async () => {
    assert.equal(proxy.exitCode, null, said);
    await using probe = new GrpcJsProbe('10.90.0.1:50051');
    return (await probe.call('Probe/Echo', { size: 1 }, { timeoutMs: 1000 })).code === 'OK' || undefined;
  }, `${program} passes calls on`, () => said);
  return proxy;
}

async function stopProxy(proxy: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => proxy.once('exit', resolve));
  proxy.kill('SIGTERM');
  await new Deadline(20_000).wait(gone, 'the end of the proxy');
}
