// The daemon from its bin and a config file, every option at its default but for the one that is named.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scratch, startProgram } from './processes.js';

const BIN = fileURLToPath(new URL('../../../bin/grpcserverd.js', import.meta.url));
const SERVICER = fileURLToPath(new URL('servicer.js', import.meta.url));

const daemon = (name, options) => ({
  name,
  prepare: () => null,
  start({ workers, port, block }) {
    const file = `${scratch('config')}.json`;
    writeFileSync(file, JSON.stringify({ servicers: [SERVICER], maxWorkers: workers, host: '127.0.0.1', port, runtimeDir: scratch('run'), ...options }));
    return startProgram(process.execPath, [BIN, 'start', '--config', file], {
      env: { BENCH_BLOCK: block },
      isReady: (line) => line.includes('"daemon.ready"'),
      signal: 'SIGTERM',
    });
  },
});

export const byCall = daemon('grpcserverd', {});
export const byConnection = daemon('grpcserverd, by connection', { balance: 'connection' });
/** Which brings `balance: connection` with it. */
export const overHttp2 = daemon('grpcserverd, http2', { transport: 'http2' });
