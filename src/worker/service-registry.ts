/** Runs in workers and in the inspector: remembers which services and methods the servicers added. */
import { DaemonError } from '../shared/errors.js';
import type { MethodInfo, MethodKind, ServiceInfo } from '../shared/service-info.js';

/** The words that grpc-js hands to `Server.register`, and ours. */
const KINDS: Readonly<Record<string, MethodKind>> = {
  unary: 'unary',
  clientStream: 'client_stream',
  serverStream: 'server_stream',
  bidi: 'bidi_stream',
};

export class ServiceRegistry {
  readonly #services = new Map<string, Map<string, MethodInfo>>();
  readonly #addedBy = new Map<string, string>();
  /** The servicer whose hook runs now. */
  servicer = '';

  /**
   * @param path `/pkg.Service/Method`
   * @param type as grpc-js names it
   * @throws {DaemonError} E_SERVICER when the service is there already
   */
  add(path: string, type: string): void {
    const [, service = '', name = ''] = path.split('/');
    const methods = this.#services.get(service) ?? new Map<string, MethodInfo>();
    if (methods.has(name)) {
      const first = this.#addedBy.get(service) ?? '';
      const who = first === this.servicer ? `twice by ${first}` : `by ${first} and again by ${this.servicer}`;
      throw new DaemonError('E_SERVICER', `the service ${service} is added ${who}`, { hint: 'Keep one of the two.' });
    }
    methods.set(name, { name, kind: KINDS[type] ?? 'unary' });
    this.#services.set(service, methods);
    if (!this.#addedBy.has(service)) this.#addedBy.set(service, this.servicer);
  }

  list(): ServiceInfo[] {
    return [...this.#services].map(([name, methods]) => ({ name, methods: [...methods.values()] }));
  }
}
