/** Runs in a worker: the order of the interceptors, next to the wire first. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { isSignaturePlace } from '../../shared/signature-place.js';
import { guardInterceptors } from './interceptor-guard.js';

export interface InterceptorParts {
  readonly accounting: ServerInterceptor;
  /** Null: no cap. */
  readonly limit: ServerInterceptor | null;
  /** Null: the check has no effect. */
  readonly signature: ServerInterceptor | null;
  /** As in the config; may hold `signatureValidation`. */
  readonly user: readonly ServerInterceptor[];
}

/**
 * Accounting sees every call and every status; the limit comes before the signature, so that a flood of unsigned
 * calls is not free; then come the user's own. The signature check runs once: where the user named it first, or
 * else before all of theirs.
 */
export function assembleInterceptors({ accounting, limit, signature, user }: InterceptorParts): ServerInterceptor[] {
  const firstPlace = user.findIndex(isSignaturePlace);
  const own = user.flatMap((interceptor, index) => {
    if (!isSignaturePlace(interceptor)) return [interceptor];
    return index === firstPlace && signature !== null ? [signature] : [];
  });
  return [
    accounting,
    ...(limit === null ? [] : [limit]),
    ...(signature === null || firstPlace !== -1 ? [] : [signature]),
    ...(own.length === 0 ? [] : [guardInterceptors(own)]),
  ];
}
