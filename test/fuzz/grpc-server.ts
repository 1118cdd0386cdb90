import grpc from '@grpc/grpc-js';
import type { Kind } from '../support/call-rig.js';
import { BYTES_SERVICE } from '../support/lean-rig.js';
import { HANDLERS } from './servicers.js';

/** What recorded sessions call. */
const RECORDED: Readonly<Record<string, Kind>> = { Echo: 'unary', Reflect: 'unary', Collect: 'clientStream', Repeat: 'serverStream', Converse: 'bidi' };

/** With all that the fuzzer's clients call; messages are bytes. */
export function createServer(): grpc.Server {
  // It says so of each header that it does not like.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const server = new grpc.Server();
  server.addService(BYTES_SERVICE, HANDLERS as unknown as grpc.UntypedServiceImplementation);
  const methods = Object.entries(RECORDED).map(([name, kind]) => [name, { ...BYTES_SERVICE[kind], path: `/probe.v1.Probe/${name}` }] as const);
  server.addService(
    Object.fromEntries(methods),
    Object.fromEntries(Object.entries(RECORDED).map(([name, kind]) => [name, HANDLERS[kind]])) as unknown as grpc.UntypedServiceImplementation,
  );
  return server;
}
