// Past one machine: three hosts behind what people put in front of them, reloaded and restarted one by one under load.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import type { Daemon } from '../support/daemon.js';
import { Deadline } from '../support/deadline.js';
import { Hosts, noHosts } from '../support/hosts.js';
import { ROOT, servicer } from '../support/paths.js';
import { skipUnless, type Tool } from '../support/peers.js';
import { GrpcJsProbe } from '../support/probe.js';
import { TempDir } from '../support/temp-dir.js';

const HOSTS = 3;
/** The numbers of docs/load-balancers.md, but for the time that calls get. */
const config: UserConfig = { servicers: [servicer('probe.js')], maxWorkers: 2, shutdownDelay: '1s', gracefulTimeout: '10s' };

/** On ports of their own, so that one roll through the hosts is for all of them. */
const PROXIES: readonly { readonly tool: Tool; readonly example: string; readonly port: number; readonly run: (file: string) => readonly [string, ...string[]] }[] = [
  { tool: 'haproxy', example: 'haproxy.cfg', port: 50051, run: (file) => ['haproxy', '-db', '-f', file] },
  { tool: 'nginx', example: 'nginx.conf', port: 50052, run: (file) => ['nginx', '-c', file, '-e', 'stderr', '-g', 'daemon off; user root;'] },
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

  /** Calls of clients while every host is reloaded, then restarted, one after the other. */
  async function rollThrough(probes: readonly GrpcJsProbe[]): Promise<void> {
    const loads = probes.flatMap((probe) => [
      probe.load('Probe/Sleep', { ms: 20 }, 12),
      probe.load('Probe/Repeat', { times: 10, size: 1000, ms: 10 }, 2),
      probe.load('Probe/Converse', Array(10).fill({ size: 1000 }), 2, { lockstep: true }),
    ]);
    await Promise.all(loads.map(({ loading }) => loading));
    for (const daemon of daemons) {
      const { report } = await daemon.reload();
      assert.equal(report.verdict, 'done', report.error);
    }
    for (const [index, daemon] of daemons.entries()) {
      await daemon[Symbol.asyncDispose]();
      daemons[index] = await hosts.start(index, config);
    }
    for (const daemon of daemons) {
      await daemon.deadline.poll(async () => ((await daemon.status()).workers.some(({ calls }) => calls > 0) ? true : undefined), 'a share of every host since its restart');
    }
    for (const { calls, codes, details } of await Promise.all(loads.map((load) => load.stop()))) {
      assert.deepEqual(codes, { OK: calls }, JSON.stringify(details));
    }
  }

  test('behind haproxy, behind nginx and with round_robin in the client no call fails while they are reloaded and restarted one by one', async (context) => {
    using dir = new TempDir();
    const targets = [`ipv4:${hosts.addresses.map((address) => `${address}:50051`).join(',')}`];
    const running: ChildProcess[] = [];
    const probes: GrpcJsProbe[] = [];
    try {
      for (const { tool, example, port, run } of PROXIES) {
        const missing = skipUnless(tool);
        if (missing !== false) {
          context.diagnostic(`without ${tool}: ${missing}`);
          continue;
        }
        const text = readFileSync(`${ROOT}examples/load-balancers/${example}`, 'utf8').replaceAll(/(listen |bind :)50051/g, `$1${port}`);
        const address = `10.90.0.1:${port}`;
        running.push(await startProxy(run(dir.write(example, text)), address));
        targets.push(address);
      }
      const balanced = { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) };
      probes.push(...targets.map((target) => new GrpcJsProbe(target, undefined, balanced)));
      await rollThrough(probes);
    } finally {
      for (const probe of probes) await probe[Symbol.asyncDispose]();
      for (const proxy of running) await stopProxy(proxy);
    }
  });
});

async function startProxy([program, ...args]: readonly [string, ...string[]], address: string): Promise<ChildProcess> {
  const proxy = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  proxy.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Deadline(20_000).poll(async () => {
    assert.equal(proxy.exitCode, null, said);
    await using probe = new GrpcJsProbe(address);
    return (await probe.call('Probe/Echo', { size: 1 }, { timeoutMs: 1000 })).code === 'OK' || undefined;
  }, `${program} passes calls on`, () => said);
  return proxy;
}

async function stopProxy(proxy: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => proxy.once('exit', resolve));
  proxy.kill('SIGTERM');
  await new Deadline(20_000).wait(gone, 'the end of the proxy');
}
