/** Runs in the primary. Tells the log where the daemon listens, and what sockets that were passed make useless. */
import type { Config } from '../../config/options.js';
import type { Emit } from '../../shared/events.js';
import type { Listener } from '../listener.js';
import type { PassedSocket } from './environment.js';

/** @param listening with passed sockets, what serves each of them, in their order */
export function reportListening(
  emit: Emit,
  listening: readonly Pick<Listener, 'address' | 'port'>[],
  passed: readonly PassedSocket[],
  { host, port }: Config,
): void {
  if (passed.length > 0) {
    emit('daemon.sockets-passed', {
      sockets: listening.map(({ address }, index) => `${passed[index]?.name ?? 'unnamed'}: ${address}`),
      instead: host.startsWith('unix:') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`,
    });
  }
  for (const each of listening) emit('daemon.listening', { address: each.address, port: each.port });
}
