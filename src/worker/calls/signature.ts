/** Runs in a worker: refuses calls whose metadata lacks the pairs of `signatureData`, before their handler runs. */
import { status, type Metadata, type ServerInterceptingCallInterface, type ServerInterceptor } from '@grpc/grpc-js';
import type { Config } from '../../config/options.js';
import type { SignatureData } from '../../config/signature-data.js';
import { ForwardingCall, interceptorOf, type CallStatus } from './forwarding-call.js';
import { SignatureRules } from './signature-rules.js';

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

/** The check of `signature`; what it demands may change while it runs, and counts for the calls that begin then. */
export class SignatureCheck {
  readonly interceptor: ServerInterceptor;
  #rules: SignatureRules;

  constructor(data: SignatureData, exempt: Config['signatureExempt'], onRefused: () => void = () => undefined) {
    this.#rules = new SignatureRules(data);
    const isExempt = matcherOf(exempt);
    this.interceptor = interceptorOf((method, call) => (isExempt(method.path) ? call : new SignedCall(call, this.#rules, onRefused)));
  }

  setData(data: SignatureData): void {
    this.#rules = new SignatureRules(data);
  }
}

/** Matches paths such as `/pkg.Svc/Method` against `pkg.Svc/Method` and `pkg.Svc/*`. */
function matcherOf(patterns: readonly string[]): (path: string) => boolean {
  const methods = new Set(patterns.map((pattern) => `/${pattern}`));
  return (path) => methods.has(path) || methods.has(`${path.slice(0, path.lastIndexOf('/'))}/*`);
}
