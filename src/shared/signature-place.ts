/** How a worker knows the place that a user gave the signature check among the interceptors. */

/** A registered symbol, because the user's modules may load another copy of this package than the daemon's. */
const PLACE = Symbol.for('grpcserverd.signatureValidation');

export function markAsSignaturePlace<T extends object>(marker: T): T {
  return Object.assign(marker, { [PLACE]: true });
}

export function isSignaturePlace(interceptor: object): boolean {
  return PLACE in interceptor;
}
