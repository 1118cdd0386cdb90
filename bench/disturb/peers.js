// Who is disturbed. Each starts with a servicer file and a number of workers, and resolves to its port, to how it is
// reloaded (which resolves to the exit code of the command, or to null where there is none), and to how it ends.
import { execFile, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../support/free-port.js';
import { installPm2 } from '../support/rivals.js';
import { startDaemon } from '../support/servers.js';
import { startHaproxy } from './haproxy.js';
import { KeptProcess } from './kept-process.js';

const BIN = fileURLToPath(new URL('../../bin/grpcserverd.js', import.meta.url));
const CLUSTER = fileURLToPath(new URL('cluster.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url));

const codeOf = (command) => command.then(() => 0, ({ code }) => code);

const daemon = (options) => async (file, workers, { hangTimeout }) => {
  const { port, folder, stop } = await startDaemon({ workers, servicers: [file], ...options, ...(hangTimeout && { hangTimeout }) });
  const reload = () => codeOf(promisify(execFile)(process.execPath, [BIN, 'reload', '--config', `${folder}/grpcserverd.config.json`]));
  return { port, reload, stop };
};

async function cluster(file, workers) {
  const port = await freePort();
  // Its workers complain to nobody.
  const primary = fork(CLUSTER, [String(port), file, String(workers)], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await once(primary, 'message');
  return {
    port,
    async reload() {
      const done = once(primary, 'message');
      primary.kill('SIGUSR2');
      await done;
      return 0;
    },
    async stop() {
      const gone = once(primary, 'exit');
      process.kill(-primary.pid, 'SIGKILL');
      await gone;
    },
  };
}

const pm2Cluster = (pm2) => async (file, workers) => {
  const port = await freePort();
  const name = `on-${port}`;
  await pm2.command('start', PROGRAM, '--name', name, '-i', String(workers), '--wait-ready', '--', String(port), file);
  return { port, reload: () => codeOf(pm2.command('reload', name)), stop: () => pm2.command('delete', name) };
};

async function bare(file) {
  const port = await freePort();
  const server = new KeptProcess(port, file);
  await server.start();
  return {
    port,
    async reload() {
      await server.restart();
      return null;
    },
    stop: () => server.stop(),
  };
}

/** Resolves to `{ peers, remove }`; peers are `{ name, workers, start }`. Says who is missing. */
export async function findPeers(workers) {
  const pm2 = await installPm2();
  const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
  if (!hasHaproxy) console.log('\nThere is no haproxy here (Debian: haproxy), and it is not compared.');
  const peers = [
    { name: 'grpcserverd, rpc', workers, start: daemon({ balance: 'rpc' }) },
    { name: 'grpcserverd, connection', workers, start: daemon({ balance: 'connection' }) },
    { name: 'node:cluster', workers, start: cluster },
    ...(pm2 === null ? [] : [{ name: 'PM2', workers, start: pm2Cluster(pm2) }]),
    ...(hasHaproxy ? [{ name: 'HAProxy', workers, start: startHaproxy }] : []),
    { name: 'bare grpc-js', workers: 1, start: bare },
  ];
  return { peers, remove: async () => pm2?.remove() };
}
