/** Runs in workers and in users' tests: types for the one function that makes a module a servicer. */
import type { Server } from '@grpc/grpc-js';
import type { ServicerContext } from './servicer-context.js';

/** Adds services to the server; a promise that it returns is waited for. */
export type GrpcHook = (server: Server, context: ServicerContext) => unknown;

/**
 * Returns the hook as it is; for the sake of the editor, which then knows both parameters:
 * `export const grpcHook = defineServicer((server, context) => { ... })`.
 */
export function defineServicer(hook: GrpcHook): GrpcHook {
  return hook;
}
