/** Runs in workers and in the inspector: lets the servicers add their services to a server. */
import type { Clock } from '../shared/clock.js';
import { DaemonError, toError } from '../shared/errors.js';
import { formatDuration } from '../shared/quantity.js';
import { placeInStack, show, userStack } from './load-failure.js';
import type { ServicerServer } from './servicer-server.js';
import type { Servicer } from './servicers.js';

interface Run<Context> {
  readonly servicers: readonly Servicer<Context>[];
  readonly server: ServicerServer;
  readonly context: Context;
  /** How long all hooks together may take, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
}

/**
 * Calls the hooks one after the other, in the order of the config.
 *
 * @throws {DaemonError} E_SERVICER when a hook throws or rejects, E_SERVICER_TIMEOUT when one does not settle
 */
export async function runHooks<Context>({ servicers, server, context, timeout, clock }: Run<Context>): Promise<void> {
  let current = '';
  const addedBy = new Map<string, string>();
  const all = async (): Promise<void> => {
    for (const { name, hook } of servicers) {
      current = name;
      try {
        await hook(server, context);
      } catch (error) {
        throw hookError(name, error, addedBy);
      }
      for (const service of server.describe()) if (!addedBy.has(service.name)) addedBy.set(service.name, name);
    }
  };
  let cancel = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.after(timeout, () => {
      reject(new DaemonError('E_SERVICER_TIMEOUT', `${current}: its grpcHook did not settle within ${formatDuration(timeout)}`));
    });
  });
  try {
    await Promise.race([all(), late]);
  } finally {
    cancel();
  }
}

function hookError(name: string, thrown: unknown, addedBy: ReadonlyMap<string, string>): DaemonError {
  if (thrown instanceof DaemonError) return thrown;
  const error = toError(thrown);
  const details = { detail: userStack(error), cause: thrown };
  const place = placeInStack(error);
  const where = place === undefined ? '' : ` at ${show(place)}`;
  const [, service] = /^Method handler for \/([^/]+)\/\S+ already provided/.exec(error.message) ?? [];
  if (service === undefined) return new DaemonError('E_SERVICER', `${name}: its grpcHook failed${where}: ${error.message}`, details);
  const first = addedBy.get(service) ?? name;
  const who = first === name ? 'twice' : `, which ${first} has added`;
  return new DaemonError('E_SERVICER', `${name} adds the service ${service}${first === name ? ' ' : ''}${who}${where}`, {
    ...details,
    hint: 'A server can have each service once: remove one of the two.',
  });
}
