// What happens to a daemon in a soak: what operators do, what breaks, and what clients do who mean no good.
import { copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { TestCertificates, TestPair } from '../support/certificates.js';
import type { Daemon } from '../support/daemon.js';
import { Deadline } from '../support/deadline.js';
import { probeOrder } from '../support/probe.js';
import { RawClient } from '../support/raw-client.js';
import type { Account } from './account.js';

export interface Scene {
  readonly daemon: Daemon;
  readonly account: Account;
  readonly random: () => number;
  /** The files that the daemon serves with. */
  readonly servicer: string;
  readonly pair: { readonly certificate: string; readonly key: string };
  readonly certificates: TestCertificates;
  /** Names of disturbances that are still to come before any comes again. */
  readonly ahead: string[];
}

/** Of Repeat: ten messages of a megabyte. */
const LARGE_ANSWERS = probeOrder('Probe/Repeat', { times: 10, size: 2 ** 20 }).send[0] ?? Buffer.alloc(0);
/** How long after a kill the last client has surely noticed; milliseconds. */
const NOTICED = 2000;
/** Every worker and router that is to be there is there again. */
const RECOVERY_MS = 60_000;

async function healthy({ daemon }: Scene): Promise<void> {
  await new Deadline(RECOVERY_MS).poll(async () => {
    const { health, workers, goal } = await daemon.status();
    return (health === 'healthy' && workers.length === goal.workers) || undefined;
  }, 'a healthy fleet', () => daemon.log.text);
}

function pick<T>({ random }: Scene, all: readonly T[]): T | undefined {
  return all[Math.floor(random() * all.length)];
}

async function kill(scene: Scene, role: 'worker' | 'router'): Promise<void> {
  const { workers, routers } = await scene.daemon.status();
  const victim = role === 'worker' ? pick(scene, workers.filter(({ state }) => state === 'ready')) : pick(scene, routers);
  if (victim === undefined) return;
  const now = performance.now();
  scene.account.disturbed(`a ${role} killed (pid ${victim.pid})`, now, now + NOTICED);
  process.kill(victim.pid, 'SIGKILL');
}

async function reload(scene: Scene, verdict: string): Promise<void> {
  const { report } = await scene.daemon.reload();
  if (report.verdict !== verdict) throw new Error(`A reload ended as ${report.verdict} instead of ${verdict}: ${report.error}`);
}

/** Puts a file into the place of another at once, as deploys do. */
function replace(from: string, to: string): void {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

async function swap(scene: Scene, { certificate, key }: TestPair): Promise<void> {
  const before = scene.daemon.log.all('certificates.replaced').length;
  replace(certificate, scene.pair.certificate);
  replace(key, scene.pair.key);
  await new Deadline(RECOVERY_MS).poll(() => scene.daemon.log.all('certificates.replaced').length > before || undefined, 'the new certificate', () => scene.daemon.log.text);
}

async function visit({ daemon, certificates }: Scene): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port: daemon.port, servername: 'localhost', ca: readFileSync(certificates.ca.certificate), ALPNProtocols: ['h2'] });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return new RawClient(socket);
}

export const DISTURBANCES: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  'a reload': (scene) => reload(scene, 'done'),

  async 'two reloads at once'(scene) {
    await Promise.all([reload(scene, 'done'), reload(scene, 'done')]);
  },

  async 'a broken deploy'(scene) {
    const good = readFileSync(scene.servicer, 'utf8');
    writeFileSync(scene.servicer, `${good}\n}`);
    try {
      await reload(scene, 'rolled-back');
    } finally {
      writeFileSync(scene.servicer, good);
    }
    // Workers that start from now on find good code again.
    await reload(scene, 'done');
  },

  'a worker killed': (scene) => kill(scene, 'worker'),
  'a router killed': (scene) => kill(scene, 'router'),

  async 'a worker stopped for a second'(scene) {
    const { workers } = await scene.daemon.status();
    const victim = pick(scene, workers.filter(({ state }) => state === 'ready'));
    if (victim === undefined) return;
    process.kill(victim.pid, 'SIGSTOP');
    await pause(1000);
    process.kill(victim.pid, 'SIGCONT');
  },

  async 'another number of workers'(scene) {
    const workers = 1 + Math.floor(scene.random() * 4);
    const { code, stdout, stderr } = await scene.daemon.command('scale', String(workers), '--config', scene.daemon.configFile);
    if (code !== 0) throw new Error(`scale ${workers} failed: ${stdout}${stderr}`);
  },

  async 'another certificate'(scene) {
    await swap(scene, scene.certificates.chained);
    await swap(scene, scene.certificates.server);
  },

  async 'a client that resets what it opens'(scene) {
    const client = await visit(scene);
    client.greet();
    for (let id = 1; id < 2000; id += 2) {
      client.call(id, '/probe.v1.Probe/Sleep');
      client.out.rstStream(id, 8);
    }
    client.flush();
    await pause(500);
    client[Symbol.dispose]();
  },

  async 'a client that sends noise'(scene) {
    const client = await visit(scene);
    client.greet();
    client.flush();
    client.socket.write(Buffer.from(Array.from({ length: 5000 }, () => Math.floor(scene.random() * 256))));
    await new Deadline(RECOVERY_MS).wait(client.closed, 'the end of a connection with noise', () => scene.daemon.log.text);
    client[Symbol.dispose]();
  },

  async 'a client that does not read'(scene) {
    const client = await visit(scene);
    client.greet();
    client.socket.pause();
    for (let id = 1; id < 100; id += 2) client.call(id, '/probe.v1.Probe/Repeat').message(id, LARGE_ANSWERS, true);
    client.flush();
    await pause(1000);
    client[Symbol.dispose]();
  },
};

/** One of them, to its end; each comes once before any comes again. @returns its name */
export async function disturb(scene: Scene): Promise<string> {
  if (scene.ahead.length === 0) scene.ahead.push(...Object.keys(DISTURBANCES));
  const [name = ''] = scene.ahead.splice(Math.floor(scene.random() * scene.ahead.length), 1);
  await DISTURBANCES[name]?.(scene);
  await healthy(scene);
  return name;
}
