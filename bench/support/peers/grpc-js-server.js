// grpc-js with default options: PORT WORKERS
// WORKERS is 0 for one process, or how many of node:cluster share the port. PM2 in cluster mode is a primary of
// node:cluster itself, and runs this file in its workers.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { grpcHook } from './servicer.js';

const [port, workers] = process.argv.slice(2).map(Number);

if (cluster.isPrimary) process.stdin.on('end', () => process.exit()).resume();
if (cluster.isPrimary && workers > 0) {
  const forked = Array.from({ length: workers }, () => cluster.fork());
  await Promise.all(forked.map((worker) => once(worker, 'listening')));
  console.log('ready');
} else {
  const server = new Server();
  grpcHook(server);
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
    if (cluster.isPrimary) console.log('ready');
    else process.send('ready');
  });
}
