/** Runs in the primary. The port that serves, and during a reload that changes it, the one that will. */
import type { HandedSocket } from '../ipc/upgrade-messages.js';
import { adopt, inherit, listen, type Listener, type ListenerEvents } from './listener.js';
import { passedFor, type PassedSocket } from './systemd/environment.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

export class Ports {
  readonly #events: ListenerEvents;
  /** Null with passed sockets, which no setting changes. */
  #wanted: Address | null;
  #listeners: readonly [Listener, ...Listener[]];
  #state: 'open' | 'closed' = 'open';

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

  /**
   * As `open`, but with sockets on which the daemon that this one is to replace accepts: those that were passed to it,
   * else the one of the same address. What is taken of them accepts when it is told to, anything else at once.
   * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION
   */
  static async inherit(role: 'port' | 'admin', { host, port }: Address, events: ListenerEvents, handed: readonly HandedSocket[]): Promise<Ports> {
    const passed = passedFor(role, handed);
    const same = handed.find((socket) => socket.role === role && socket.host === host && (socket.port === port || socket.boundPort === port));
    const [first, ...others] = (passed.length > 0 || same === undefined ? passed : [same]).map((socket) => inherit(socket, events));
    if (first === undefined) return Ports.open({ host, port }, events);
    return new Ports(events, passed.length > 0 ? null : { host, port }, [first, ...others]);
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

  /** What another daemon needs to take them over; `names` are those that were passed with the sockets. */
  sockets(role: 'port' | 'admin', names: readonly (string | null)[] = []): HandedSocket[] {
    return this.#listeners.map(({ fd, address, port }, index) => ({
      fd,
      role: this.#wanted === null ? 'passed' : role,
      name: names[index] ?? null,
      host: this.#wanted?.host ?? '',
      port: this.#wanted?.port ?? 0,
      address,
      boundPort: port,
    }));
  }

  /** Accepts on what was inherited, too. @throws DaemonError E_ADDRESS */
  async accept(): Promise<void> {
    for (const listener of this.#listeners) await listener.accept();
  }

  /** Accepts no more; of the descriptors that are `kept`, another process goes on with the socket. */
  leave(kept: readonly number[]): void {
    const listeners = this.#state === 'open' ? this.#listeners : [];
    this.#state = 'closed';
    for (const listener of listeners) {
      if (kept.includes(listener.fd)) listener.leave();
      else listener.close();
    }
  }

  close(): void {
    this.leave([]);
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
        for (const old of this.#listeners) old.close();
        this.#listeners = [listener];
        this.#wanted = { host, port };
        return true;
      },
      discard: () => listener.close(),
    };
  }
}
