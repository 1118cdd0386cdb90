/** Runs in workers and in the inspector: remembers which services and methods were added, and by whom. */
import { DaemonError } from '../shared/errors.js';
import type { MethodInfo, MethodKind, ServiceInfo } from '../shared/service-info.js';

/** The words that grpc-js hands to `Server.register`, and ours. */
const KINDS: Readonly<Record<string, MethodKind>> = {
  unary: 'unary',
  clientStream: 'client_stream',
  serverStream: 'server_stream',
  bidi: 'bidi_stream',
};

/** @param type as grpc-js names it */
export const methodKind = (type: string): MethodKind => KINDS[type] ?? 'unary';

/** Who adds the services that belong to the daemon itself. */
export const OURSELVES = 'grpcserverd';

interface RegisteredService {
  readonly methods: Map<string, MethodInfo>;
  readonly addedBy: string;
}

export class ServiceRegistry {
  readonly #services = new Map<string, RegisteredService>();
  /** Who adds services now: the servicer whose hook runs, or the daemon itself. */
  adding = OURSELVES;

  /**
   * @param path `/pkg.Service/Method`
   * @throws {DaemonError} E_SERVICER when the service is there already
   */
  add(path: string, kind: MethodKind): void {
    const [, service = '', name = ''] = path.split('/');
    const entry = this.#services.get(service) ?? { methods: new Map<string, MethodInfo>(), addedBy: this.adding };
    if (entry.methods.has(name)) throw addedTwice(service, entry.addedBy, this.adding);
    entry.methods.set(name, { name, kind });
    this.#services.set(service, entry);
  }

  has(service: string): boolean {
    return this.#services.has(service);
  }

  /** Every method of the server, the daemon's own included: its path and kind. */
  *paths(): Iterable<readonly [path: string, kind: MethodKind]> {
    for (const [service, { methods }] of this.#services) {
      for (const { name, kind } of methods.values()) yield [`/${service}/${name}`, kind];
    }
  }

  /** What servicers added, in that order. */
  list(): ServiceInfo[] {
    return [...this.#services]
      .filter(([, { addedBy }]) => addedBy !== OURSELVES)
      .map(([name, { methods }]) => ({ name, methods: [...methods.values()] }));
  }
}

function addedTwice(service: string, first: string, second: string): DaemonError {
  if (second === OURSELVES) {
    return new DaemonError('E_SERVICER', `the service ${service} is added by ${first} and by grpcserverd itself`, {
      hint: 'To keep your own, switch ours off: health, reflection, loadReports and channelz are options.',
    });
  }
  const who = first === second ? `twice by ${first}` : `by ${first} and again by ${second}`;
  return new DaemonError('E_SERVICER', `the service ${service} is added ${who}`, { hint: 'Keep one of the two.' });
}
