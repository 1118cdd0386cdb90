// HAProxy, which balances calls, before bare grpc-js processes. They are restarted one by one, each after it was drained.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/free-port.js';
import { KeptProcess } from './kept-process.js';
import { probeUntil } from './load.js';

/** Milliseconds until it must answer, for which calls on a server that is drained may go on, and between its checks. */
const READY = 30_000;
const DRAIN = 500;
const CHECK = 100;

const config = (socket, port, ports) => `global
  stats socket ${socket} level admin
defaults
  mode http
  timeout connect 1s
  timeout client 1h
  timeout server 1h
frontend clients
  bind 127.0.0.1:${port} proto h2
  default_backend workers
backend workers
  balance leastconn
  default-server proto h2 check inter 500ms
${ports.map((to, index) => `  server s${index} 127.0.0.1:${to}`).join('\n')}
`;

export async function startHaproxy(file, workers) {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-haproxy-'));
  const socket = join(folder, 'admin.sock');
  const port = await freePort();
  const ports = [];
  for (let made = 0; made < workers; made += 1) ports.push(await freePort());
  const servers = ports.map((to) => new KeptProcess(to, file));
  await Promise.all(servers.map((server) => server.start()));
  writeFileSync(join(folder, 'haproxy.cfg'), config(socket, port, ports));
  const haproxy = spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  if ((await probeUntil(port, (pids) => pids.size > 0, READY)) === undefined) throw new Error('HAProxy does not answer');
  return {
    port,
    async reload() {
      for (const [index, server] of servers.entries()) {
        await tell(socket, `set server workers/s${index} state drain`);
        await pause(DRAIN);
        // As any script that rolls: it stops at the first one that does not come up.
        if (!(await server.restart())) return 1;
        await tell(socket, `set server workers/s${index} state ready`);
        while (!(await isUp(socket, index))) await pause(CHECK);
      }
      return 0;
    },
    async stop() {
      const gone = once(haproxy, 'exit');
      haproxy.kill('SIGKILL');
      await Promise.all([gone, ...servers.map((server) => server.stop())]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isUp(socket, index) {
  const lines = (await tell(socket, 'show stat')).split('\n').map((line) => line.split(','));
  const column = lines[0].indexOf('status');
  return lines.find(([proxy, name]) => proxy === 'workers' && name === `s${index}`)?.[column] === 'UP';
}

function tell(path, command) {
  const socket = connect(path);
  socket.end(`${command}\n`);
  return text(socket);
}
