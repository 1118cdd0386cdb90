// Hosts with a network of their own each, as containers have them: network namespaces at one bridge.
import { execFileSync } from 'node:child_process';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from './daemon.js';
import { BIN } from './paths.js';

/** Why there can be no such hosts here, or false. */
export function noHosts(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces';
  const name = `gtest${process.pid}x`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return false;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error).split('\n')[1] ?? ''}`;
  }
}

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}

/** Addresses of the examples: the bridge, where clients and proxies are, and its hosts. */
const NETWORK = '10.90.0';

/** The bridge 10.90.0.1 and hosts 10.90.0.11, .12...; one such network at a time. Gone with its disposal. */
export class Hosts implements Disposable {
  readonly addresses: readonly string[];
  readonly #bridge = `gt${process.pid}`;
  readonly #names: string[] = [];

  constructor(count: number) {
    this.addresses = Array.from({ length: count }, (_, index) => `${NETWORK}.${11 + index}`);
    const taken = execFileSync('ip', ['-o', 'address', 'show', 'to', `${NETWORK}.1`], { encoding: 'utf8' });
    if (taken !== '') throw new Error(`${NETWORK}.1 is there already, perhaps left by a test that was killed: ${taken}`);
    ip('link', 'add', 'name', this.#bridge, 'type', 'bridge');
    try {
      ip('address', 'add', `${NETWORK}.1/24`, 'dev', this.#bridge);
      ip('link', 'set', this.#bridge, 'up');
      for (const [index, address] of this.addresses.entries()) this.#addHost(index, address);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #addHost(index: number, address: string): void {
    const name = this.#nameOf(index);
    const [outside, inside] = [`${name}o`, `${name}i`];
    ip('netns', 'add', name);
    this.#names.push(name);
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside);
    ip('link', 'set', inside, 'netns', name);
    ip('link', 'set', outside, 'master', this.#bridge, 'up');
    ip('-n', name, 'address', 'add', `${address}/24`, 'dev', inside);
    ip('-n', name, 'link', 'set', inside, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }

  #nameOf(index: number): string {
    return `gt${process.pid}h${index}`;
  }

  /** The real daemon on one of the hosts, on the ports of the examples. */
  start(index: number, config: UserConfig): Promise<Daemon> {
    const address = this.addresses[index] ?? '';
    return startDaemon({
      config: { host: address, port: 50051, admin: `${address}:9090`, ...config },
      launcher: ['ip', 'netns', 'exec', this.#nameOf(index), process.execPath, BIN, 'start'],
      deadline: 120_000,
    });
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) ip('netns', 'del', name);
    ip('link', 'del', this.#bridge);
  }
}
