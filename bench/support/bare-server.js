// The same handlers as people run them without a daemon: grpc-js with its default options, in a process of its own.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { grpcHook } from './servicer.js';

const [port = '0'] = process.argv.slice(2);
const server = new Server();
grpcHook(server);
server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
  if (error) throw error;
  process.send({ port: bound });
});
process.on('disconnect', () => process.exit());
