// What else runs grpc-js on several cores: node:cluster, and PM2 in cluster mode. Both share out connections.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './free-port.js';

const PROGRAM = fileURLToPath(new URL('cluster-server.js', import.meta.url));
/** In milliseconds. */
const INSTALL_TIMEOUT = 180_000;
const READY_TIMEOUT = 60_000;

/** Starts that many workers whose handlers block that many milliseconds. */
export async function startCluster(workers, block) {
  const port = await freePort();
  const child = fork(PROGRAM, [port, block, workers].map(String));
  await once(child, 'message', { signal: AbortSignal.timeout(READY_TIMEOUT) });
  return {
    port,
    async stop() {
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/**
 * PM2 in a folder of its own, with its daemon's files: nothing of it stays after `remove`. `start` starts workers whose
 * handlers block, `command` runs any command of it. Null, and a word, where it cannot be had.
 */
export async function installPm2() {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-pm2-'));
  const env = { ...process.env, PM2_HOME: join(folder, 'home'), PM2_DISABLE_VERSION_CHECK: 'true' };
  const pm2 = (...args) => promisify(execFile)(process.execPath, [join(folder, 'node_modules/pm2/bin/pm2'), ...args], { env });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await promisify(execFile)('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', 'pm2'], { timeout: INSTALL_TIMEOUT });
    const { stdout } = await pm2('--version');
    console.log(`\nPM2 ${stdout.trim().split('\n').at(-1)}`);
  } catch (error) {
    remove();
    console.log(`\nPM2 cannot be installed here, and is not compared: ${String(error.message).split('\n')[0]}`);
    return null;
  }
  return {
    command: pm2,
    async start(workers, block) {
      const port = await freePort();
      const name = `w${workers}`;
      await pm2('start', PROGRAM, '--name', name, '-i', String(workers), '--wait-ready', '--listen-timeout', String(READY_TIMEOUT), '--', String(port), String(block));
      return { port, stop: () => pm2('delete', name) };
    },
    async remove() {
      await pm2('kill');
      remove();
    },
  };
}
