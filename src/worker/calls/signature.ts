/** Runs in a worker: refuses calls whose metadata lacks the pairs of `signatureData`, before their handler runs. */
import { status, type Metadata, type ServerInterceptingCallInterface, type ServerInterceptor } from '@grpc/grpc-js';
import type { Config } from '../../config/options.js';
import { ForwardingCall, interceptorOf, type CallStatus } from './forwarding-call.js';
import { readSignatureRules, type SignatureRules } from './signature-rules.js';

const INVALID: CallStatus = { code: status.UNAUTHENTICATED, details: 'Invalid signature', metadata: null };

class SignedCall extends ForwardingCall {
  readonly #rules: SignatureRules;
  readonly #onRefused: () => void;

  constructor(below: ServerInterceptingCallInterface, rules: SignatureRules, onRefused: () => void) {
    super(below);
    this.#rules = rules;
    this.#onRefused = onRefused;
  }

  /** Nothing is read until somebody above has the metadata, so a refused call's messages are never decoded. */
  override onReceiveMetadata(metadata: Metadata): void {
    if (this.#rules.accept(metadata)) {
      this.above?.onReceiveMetadata(metadata);
    } else {
      this.#onRefused();
      this.below.sendStatus(INVALID);
    }
  }
}

/**
 * The interceptor of `signature`, or null when it has no effect: switched off, or without TLS, where the pairs
 * would travel for everyone to read.
 */
export function createSignature(
  config: Pick<Config, 'signature' | 'authentication' | 'signatureData' | 'signatureExempt'>,
  onRefused: () => void = () => undefined,
): ServerInterceptor | null {
  if (!config.signature || config.authentication !== 'ssl') return null;
  const rules = readSignatureRules(config.signatureData);
  const isExempt = matcherOf(config.signatureExempt);
  return interceptorOf((method, call) => (isExempt(method.path) ? call : new SignedCall(call, rules, onRefused)));
}

/** Matches paths such as `/pkg.Svc/Method` against `pkg.Svc/Method` and `pkg.Svc/*`. */
function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  const methods = new Set(patterns.map((pattern) => `/${pattern}`));
  return (path) => methods.has(path) || methods.has(`${path.slice(0, path.lastIndexOf('/'))}/*`);
}
