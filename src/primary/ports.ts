/** Runs in the primary. The port that serves, and during a reload that changes it, the one that will. */
import { adopt, listen, type Listener, type ListenerEvents } from './listener.js';
import type { PassedSocket } from './systemd/environment.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

export class Ports {
  readonly #events: ListenerEvents;
  /** Null with passed sockets, which no setting changes. */
  #wanted: Address | null;
  #listeners: readonly [Listener, ...Listener[]];

  private constructor(events: ListenerEvents, wanted: Address | null, listeners: readonly [Listener, ...Listener[]]) {
    this.#events = events;
    this.#wanted = wanted;
    this.#listeners = listeners;
  }

  /**
   * @param passed sockets that listen already; they win over the address
   * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION
   */
  static async open({ host, port }: Address, events: ListenerEvents, passed: readonly PassedSocket[] = []): Promise<Ports> {
    const [first, ...others] = passed;
    if (first === undefined) return new Ports(events, { host, port }, [await listen(host, port, events)]);
    const listeners: [Listener, ...Listener[]] = [await adopt(first, events)];
    for (const socket of others) listeners.push(await adopt(socket, events));
    return new Ports(events, null, listeners);
  }

  /** All that serve now; several only when they were passed. */
  get listening(): readonly Pick<Listener, 'address' | 'port'>[] {
    return this.#listeners;
  }

  /** host:port with the bound port, or unix:/path; of the first one. */
  get address(): string {
    return this.#listeners[0].address;
  }

  get port(): number | null {
    return this.#listeners[0].port;
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
  }

  /**
   * Opens another address beside the one that serves; the same one is left alone, so port 0 keeps its port.
   * @returns what makes it the one that serves (and tells whether it is another one), or closes it again
   * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION; the old one serves on
   */
  async change({ host, port }: Address): Promise<{ commit(): boolean; discard(): void }> {
    const wanted = this.#wanted;
    if (wanted === null || (host === wanted.host && port === wanted.port)) return { commit: () => false, discard: () => undefined };
    const listener = await listen(host, port, this.#events);
    return {
      commit: () => {
        this.close();
        this.#listeners = [listener];
        this.#wanted = { host, port };
        return true;
      },
      discard: () => listener.close(),
    };
  }
}
