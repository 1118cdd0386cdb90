/** What stands around a handler in a worker, in the order in which it is added here. */
export const PARTS = ['grpc-js alone', '+ options, injector', '+ accounting', '+ guard', '+ AsyncLocalStorage', '+ call limit', '+ signature'];

/** The one pair that the signature check looks for. Every call carries it, so that only looking makes a difference. */
export const SIGNATURE = { 'x-signature': 'a-shared-secret' };
