/** Interceptors that a config can name: `grpcserverd/interceptors#signatureValidation`. */
import type { ServerInterceptor } from '@grpc/grpc-js';
import { markAsSignaturePlace } from './shared/signature-place.js';

/**
 * The place of the signature check among your interceptors. Without it the check comes before all of them.
 * It knows neither config nor secrets: a worker puts its own check in its place, or nothing when `signature`
 * has no effect. So it cannot be called, and a call that reaches it is refused rather than let through.
 */
export const signatureValidation: ServerInterceptor = markAsSignaturePlace((): never => {
  throw new Error(
    'signatureValidation only marks a place: name it in "interceptors" as grpcserverd/interceptors#signatureValidation.',
  );
});
