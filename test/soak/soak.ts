/**
 * A soak: a daemon with routers and TLS, clients of three kinds that call it in all ways, and one disturbance after the
 * other in an order that a seed repeats.
 */
import { copyFileSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { UserConfig } from '#src/config/options.js';
import { makeTestCertificates } from '../support/certificates.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { Deadline } from '../support/deadline.js';
import { ROOT, servicer } from '../support/paths.js';
import { openFiles } from '../support/processes.js';
import { randomFrom } from '../support/random.js';
import { TempDir } from '../support/temp-dir.js';
import { Account } from './account.js';
import { Curves } from './curves.js';
import { disturb } from './disturbances.js';
import { listSockets } from './list-sockets.js';
import { SoakLoad } from './load.js';
import { StalledSessions } from './stalled-sessions.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly config?: UserConfig;
  /** Hears of every disturbance. */
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly account: Account;
  readonly curves: Curves;
  /** How often each disturbance came. */
  readonly disturbances: ReadonlyMap<string, number>;
  /** Why the soak has failed; empty when it has not. */
  readonly faults: readonly string[];
}

const SAMPLE_MS = 1000;
/** A call that takes so long hangs; milliseconds. */
const HANG_MS = 30_000;

export async function soak({ minutes, seed, config, say }: SoakOptions): Promise<SoakResult> {
  using made = new TempDir();
  const certificates = await makeTestCertificates(made.path);
  const pair = { certificate: made.join('serving.crt'), key: made.join('serving.key') };
  copyFileSync(certificates.server.certificate, pair.certificate);
  copyFileSync(certificates.server.key, pair.key);
  const random = randomFrom(seed);
  const account = new Account();
  const curves = new Curves();
  const faults: string[] = [];
  const disturbances = new Map<string, number>();
  made.write('protos/probe.proto', readFileSync(`${ROOT}test/fixtures/protos/probe.proto`));
  const probe = made.write('servicers/servicer.mjs', `export { grpcHook } from ${JSON.stringify(pathToFileURL(servicer('probe.js')).href)};\n`);
  const ms = minutes * 60_000;

  await using daemon = await startDaemon({
    config: {
      transport: 'lean',
      balance: 'rpc',
      routers: 2,
      maxWorkers: 2,
      servicers: [probe],
      authentication: 'ssl',
      certificates: { serverCertificate: pair.certificate, serverCertificateKey: pair.key },
      ...config,
    },
    deadline: ms + 300_000,
  });
  const filesBefore = openFiles(daemon.pid);
  using stalled = new StalledSessions(account);
  const load = new SoakLoad(daemon.address, { ca: certificates.ca.certificate }, account);
  const evidence: Promise<void>[] = [];
  const sampler = setInterval(() => {
    curves.take(daemon.processes());
    stalled.look().catch((error: unknown) => faults.push(String(error)));
    if (evidence.length === 0 && load.older(HANG_MS).length > 0) evidence.push(tellHang(daemon, load, say));
  }, SAMPLE_MS);
  const end = performance.now() + ms;
  try {
    const scene = { daemon, account, random, servicer: probe, pair, certificates, ahead: [] };
    while (performance.now() < end) {
      const name = await disturb(scene);
      disturbances.set(name, (disturbances.get(name) ?? 0) + 1);
      say(`${name}: healthy again; ${account.calls} calls so far, ${account.failures} without an explanation`);
      await pause(random() * 1000);
    }
  } catch (error) {
    faults.push(String(error));
  } finally {
    faults.push(...(await load.stop()));
    clearInterval(sampler);
    await Promise.all(evidence);
  }
  // As many workers as in the beginning: each has its descriptors in the primary.
  await daemon.command('scale', 'config', '--config', daemon.configFile);
  await new Deadline(30_000)
    .poll(() => openFiles(daemon.pid) <= filesBefore || undefined, 'the files of the primary')
    .catch(() => faults.push(`The primary has ${openFiles(daemon.pid)} open files, ${filesBefore} before the load.`));
  if (account.failures > 0) faults.push(`${account.failures} calls failed without an explanation.`);
  faults.push(...curves.rising());
  return { account, curves, disturbances, faults };
}

/** What every process says of its calls while some hang: whose fault it is. */
async function tellHang(daemon: Daemon, load: SoakLoad, say: SoakOptions['say']): Promise<void> {
  for (const { client, kind, from } of load.older(HANG_MS)) say(`hangs: ${client}, ${kind}, for ${((performance.now() - from) / 1000).toFixed(1)} s`);
  const { routers, workers } = await daemon.status();
  say(`routers: ${JSON.stringify(routers)}`);
  say(`workers: ${JSON.stringify(workers)}`);
  // Bytes that wait in the kernel tell which side does not read.
  const sockets = await listSockets(`( sport = :${daemon.port} or dport = :${daemon.port} )`).catch(String);
  say(`sockets of the port, with the bytes that wait to be read, and to be sent:\n${sockets}`);
}
