/** Runs in the primary. Where the admin page listens, if anywhere; a reload may move it, switch it on, or off. */
import type { Endpoint } from '../../config/option-values.js';
import { DaemonError } from '../../shared/errors.js';
import type { ListenerEvents } from '../listener.js';
import { Ports } from '../ports.js';
import type { PassedSocket } from '../systemd/environment.js';

export interface PortChange {
  /** Returns whether it listens elsewhere now. */
  commit(): boolean;
  discard(): void;
}

const NO_CHANGE: PortChange = { commit: () => false, discard: () => undefined };

export class AdminPort {
  readonly #events: ListenerEvents;
  readonly #passed: readonly PassedSocket[];
  #ports: Ports | null = null;

  /** @param passed sockets that listen already; they win over what the config wants */
  constructor(events: ListenerEvents, passed: readonly PassedSocket[]) {
    this.#events = events;
    this.#passed = passed;
  }

  /** Each host:port with the bound port, or unix:/path; none when it is off. */
  get addresses(): string[] {
    return this.#ports?.listening.map(({ address }) => address) ?? [];
  }

  /** @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION */
  async open(wanted: Endpoint | null): Promise<void> {
    if (this.#passed.length > 0) this.#ports = await Ports.open({ host: '', port: 0 }, this.#events, this.#passed);
    else (await this.change(wanted)).commit();
  }

  /**
   * Opens another address beside the one that serves. What is returned makes it count, or takes it back.
   * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION; the old one serves on
   */
  async change(wanted: Endpoint | null): Promise<PortChange> {
    const before = this.#ports;
    if (this.#passed.length > 0) return NO_CHANGE;
    if (wanted === null) return before === null ? NO_CHANGE : { ...NO_CHANGE, commit: () => this.#replace(null) };
    try {
      if (before !== null) return await before.change(wanted);
      const opened = await Ports.open(wanted, this.#events);
      return { commit: () => this.#replace(opened), discard: () => opened.close() };
    } catch (error) {
      const { code, message } = DaemonError.from(error);
      throw new DaemonError(code, `admin: ${message}`, { cause: error, hint: 'Give admin another address.' });
    }
  }

  close(): void {
    this.#replace(null);
  }

  #replace(ports: Ports | null): boolean {
    this.#ports?.close();
    this.#ports = ports;
    return ports !== null;
  }
}
