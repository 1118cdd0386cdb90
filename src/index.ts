/** The public API of the package. */
export { defineConfig, loadCredentialFromFile } from './config/define-config.js';
export type { Config, UserConfig } from './config/options.js';
export type { AsyncCall } from './worker/async/async-call.js';
export { asyncHandlers } from './worker/async/async-handlers.js';
export { errorDetails, type EncodedDetail, type ErrorDetail } from './worker/async/error-details.js';
export type { AsyncHandler, AsyncHandlers, PlainHandlers } from './worker/async/handler-types.js';
export { RpcError, type RpcErrorOptions, type StatusName } from './worker/async/rpc-error.js';
export { defineServicer, type GrpcHook } from './worker/define-servicer.js';
export type { ServicerContext } from './worker/servicer-context.js';
export type { LoadProto, LoadProtoOptions } from './worker/services/load-proto.js';
