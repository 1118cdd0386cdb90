// grpc-js with handlers that block (blocking.js), in workers of node:cluster that share a port:
//   PORT BLOCK WORKERS
// PM2 in cluster mode is a primary of node:cluster itself, and runs this file in its workers.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { serveBlocking } from './blocking.js';

const [port, block, workers] = process.argv.slice(2);

if (cluster.isPrimary) {
  process.on('disconnect', () => process.exit());
  for (let made = 0; made < Number(workers); made += 1) await once(cluster.fork(), 'listening');
  process.send('ready');
} else {
  const server = new Server();
  serveBlocking(server, Number(block));
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
    process.send('ready');
  });
}
