// HAProxy, which balances the calls of each connection over that many processes of grpc-js.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { freePort } from '../free-port.js';
import { grpcJs } from './on-node.js';
import { scratch, startProgram } from './processes.js';

const PROGRAM = '/usr/sbin/haproxy';

/** In its default way, each server in turn, as its manual shows it for HTTP/2 on both sides. */
export const haproxy = {
  name: 'HAProxy + grpc-js',
  prepare: () => (spawnSync(PROGRAM, ['-v'], { stdio: 'ignore' }).status === 0 ? null : 'not installed'),
  async start({ workers, port, block }) {
    const ports = [];
    while (ports.length < workers) ports.push(await freePort());
    const file = scratch('haproxy.cfg');
    writeFileSync(file, config(port, ports));
    const starts = await Promise.allSettled([
      // Says nothing when it is ready: calls tell.
      startProgram(PROGRAM, ['-db', '-f', file], { lines: 0, signal: 'SIGTERM' }),
      ...ports.map((behind) => grpcJs.start({ port: behind, block })),
    ]);
    const parts = starts.filter(({ status }) => status === 'fulfilled').map(({ value }) => value);
    const stop = () => Promise.all(parts.map((part) => part.stop()));
    const failed = starts.find(({ status }) => status === 'rejected');
    if (failed !== undefined) {
      await stop();
      throw failed.reason;
    }
    return { pids: () => parts.flatMap((part) => part.pids()), stop };
  },
};

/** It would count two files for each connection, also where it is idle and takes one. */
const config = (port, ports) => `global
  no strict-limits
  maxconn 12000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend calls
  bind 127.0.0.1:${port} proto h2
  default_backend workers
backend workers
  balance roundrobin
${ports.map((behind, index) => `  server worker${index} 127.0.0.1:${behind} proto h2`).join('\n')}
`;
