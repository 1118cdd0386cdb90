/** Runs in the primary. Who a connection counts for when those from one address are limited. */
import { isIPv6, SocketAddress } from 'node:net';

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** What one customer of a provider gets at least: a limit for single IPv6 addresses would be none. */
const PREFIX_GROUPS = 4;

/**
 * @param remoteAddress undefined on a unix socket, and of a client that is gone already
 * @returns an IPv4 address, the first 64 bits of an IPv6 address, or null for nobody
 */
export function clientAddress(remoteAddress: string | undefined): string | null {
  if (remoteAddress === undefined) return null;
  const mapped = MAPPED.exec(remoteAddress)?.[1];
  if (mapped !== undefined) return mapped;
  const [bare = ''] = remoteAddress.split('%');
  return isIPv6(bare) ? prefixOf(bare) : remoteAddress;
}

function prefixOf(address: string): string {
  const [head = '', tail] = new SocketAddress({ address, family: 'ipv6' }).address.split('::');
  const front = head.split(':').filter(Boolean);
  const back = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? [] : new Array<string>(8 - front.length - back.length).fill('0');
  return `${[...front, ...zeros, ...back].slice(0, PREFIX_GROUPS).join(':')}::/64`;
}

/** How many connections each address has. */
export class AddressCounts {
  readonly #counts = new Map<string, number>();

  of(address: string | null): number {
    return address === null ? 0 : (this.#counts.get(address) ?? 0);
  }

  add(address: string | null): void {
    if (address !== null) this.#counts.set(address, this.of(address) + 1);
  }

  remove(address: string | null): void {
    if (address === null) return;
    const left = this.of(address) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }
}
