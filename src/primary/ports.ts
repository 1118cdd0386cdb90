/** Runs in the primary. The port that serves, and during a reload that changes it, the one that will. */
import { listen, type Listener, type ListenerEvents } from './listener.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

export class Ports {
  readonly #events: ListenerEvents;
  #wanted: Address;
  #listener: Listener;

  private constructor(events: ListenerEvents, wanted: Address, listener: Listener) {
    this.#events = events;
    this.#wanted = wanted;
    this.#listener = listener;
  }

  /** @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION */
  static async open({ host, port }: Address, events: ListenerEvents): Promise<Ports> {
    return new Ports(events, { host, port }, await listen(host, port, events));
  }

  /** host:port with the bound port, or unix:/path. */
  get address(): string {
    return this.#listener.address;
  }

  get port(): number | null {
    return this.#listener.port;
  }

  close(): void {
    this.#listener.close();
  }

  /**
   * Opens another address beside the one that serves; the same one is left alone, so port 0 keeps its port.
   * @returns what makes it the one that serves (and tells whether it is another one), or closes it again
   * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION; the old one serves on
   */
  async change({ host, port }: Address): Promise<{ commit(): boolean; discard(): void }> {
    if (host === this.#wanted.host && port === this.#wanted.port) return { commit: () => false, discard: () => undefined };
    const listener = await listen(host, port, this.#events);
    return {
      commit: () => {
        this.#listener.close();
        this.#listener = listener;
        this.#wanted = { host, port };
        return true;
      },
      discard: () => listener.close(),
    };
  }
}
