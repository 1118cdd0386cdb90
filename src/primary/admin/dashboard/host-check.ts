/**
 * Runs in the primary. Against DNS rebinding: a page of another site whose name suddenly stands for 127.0.0.1 would be
 * read as its own. Its browser still says the name that it asked for, and that is no name of this machine.
 */
import { isLocal } from '../../../shared/local-address.js';
import type { Answer } from '../admin-http.js';

/**
 * Null when the question may be answered.
 * @param addresses where the admin port listens: host:port or unix:/path
 * @param host what the client asked for: RFC 9110 section 7.2; none from programs that are no browsers
 */
export function refuseForeignHost(addresses: readonly string[], host: string | undefined): Answer | null {
  // No browser comes through a unix socket.
  const hosts = addresses.filter((address) => !address.startsWith('unix:')).map(hostOf);
  if (host === undefined || hosts.length === 0 || !hosts.every(isLocal) || isLocal(hostOf(host))) return null;
  return { status: 403, text: 'This page listens on this machine alone, and answers to localhost and 127.0.0.1 only.\n' };
}

/** Without its port. */
const hostOf = (address: string): string => address.replace(/:\d+$/, '');
