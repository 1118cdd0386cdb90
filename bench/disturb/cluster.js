// The primary of node:cluster as in everybody's blog: PORT SERVICER WORKERS. A worker that fails is forked again; on
// SIGUSR2 there is a new worker for each old one, which then finishes its calls and ends.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const [port, servicer, workers] = process.argv.slice(2);
cluster.setupPrimary({ exec: fileURLToPath(new URL('program.js', import.meta.url)), args: [port, servicer] });
cluster.on('exit', (_worker, code) => {
  if (code !== 0) cluster.fork();
});
process.on('SIGUSR2', async () => {
  for (const old of Object.values(cluster.workers)) {
    await once(cluster.fork(), 'listening');
    if (!old.isConnected()) continue;
    old.send('shutdown');
    await once(old, 'exit');
  }
  process.send('reloaded');
});

for (let made = 0; made < Number(workers); made += 1) await once(cluster.fork(), 'listening');
process.send('ready');
