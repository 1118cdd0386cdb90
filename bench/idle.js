// Memory of idle client connections: ten thousand to one worker, over each transport, or to a router; plain and with TLS.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect as connectTls } from 'node:tls';
import { FrameBuffer } from '../dist/http2/frame-buffer.js';
import { judge, printTable } from './support/figures.js';
import { memory } from './support/process-usage.js';
import { startDaemon } from './support/servers.js';

const CONNECTIONS = 10_000;
const AT_ONCE = 100;
/** In milliseconds: what a connection does once is over. */
const SETTLE = 3000;
const GOALS = { plain: 20, tls: 60 };
/** Where the connections are: transport and balance. */
const PROCESSES = { 'worker, http2': ['http2', 'connection'], 'worker, lean': ['lean', 'connection'], router: ['lean', 'rpc'] };
const BIN = fileURLToPath(new URL('../bin/grpcserverd.js', import.meta.url));

const hello = new FrameBuffer();
hello.preface();
hello.settings([]);
hello.settingsAck();
const HELLO = Buffer.concat(hello.take());

export async function run() {
  const folder = mkdtempSync(join(tmpdir(), 'grpcserverd-bench-'));
  try {
    await promisify(execFile)(process.execPath, [BIN, 'certs', folder]);
    const certificates = { serverCertificate: join(folder, 'server.crt'), serverCertificateKey: join(folder, 'server.key') };
    const rows = [];
    for (const [kind, config] of Object.entries({ plain: {}, tls: { authentication: 'ssl', certificates } })) {
      for (const [process, [transport, balance]] of Object.entries(PROCESSES)) {
        const kib = await measure({ transport, balance, maxConnections: CONNECTIONS * 2, ...config }, kind === 'tls');
        rows.push([kind, process, kib.toFixed(1)]);
        if (transport === 'lean') judge(`KiB for an idle connection, ${kind}, ${process}`, kib, GOALS[kind], ' KiB');
      }
    }
    console.log(`\nresident memory for each of ${CONNECTIONS} idle connections`);
    printTable(['', 'process', 'KiB'], rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(config, isTls) {
  const server = await startDaemon(config);
  const pid = server.log.find(({ event }) => event === 'router.ready')?.router ?? server.serving;
  const sockets = [];
  try {
    await greet(server.port, isTls, sockets, AT_ONCE);
    await new Promise((resolve) => setTimeout(resolve, SETTLE));
    const before = memory(pid).rss;
    for (let made = 0; made < CONNECTIONS; made += AT_ONCE) await greet(server.port, isTls, sockets, AT_ONCE);
    await new Promise((resolve) => setTimeout(resolve, SETTLE));
    return ((memory(pid).rss - before) * 1024) / CONNECTIONS;
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
}

/** Opens that many connections, and waits for the server's first words on each. */
async function greet(port, isTls, sockets, count) {
  await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = isTls
        ? connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false })
        : connect(port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, isTls ? 'secureConnect' : 'connect');
      socket.write(HELLO);
      await once(socket, 'data');
      socket.pause();
    }),
  );
}
