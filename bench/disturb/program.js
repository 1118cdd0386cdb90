// A grpc-js server as tutorials have it, with a graceful end: PORT SERVICER. Run alone, by node:cluster and by PM2.
import { pathToFileURL } from 'node:url';
import { Server, ServerCredentials } from '@grpc/grpc-js';

const [port, servicer] = process.argv.slice(2);
const { grpcHook } = await import(pathToFileURL(servicer));
const server = new Server();
grpcHook(server);
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  process.send('ready');
});

const leave = () => server.tryShutdown(() => process.exit(0));
process.on('SIGINT', leave);
process.on('SIGTERM', leave);
process.on('message', (message) => {
  if (message === 'shutdown') leave();
});
