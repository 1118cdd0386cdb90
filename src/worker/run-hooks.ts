/** Runs in workers and in the inspector: lets the servicers add their services to a server. */
import type { Server } from '@grpc/grpc-js';
import type { Clock } from '../shared/clock.js';
import { DaemonError, toError } from '../shared/errors.js';
import { formatDuration } from '../shared/quantity.js';
import { placeInStack, show, userStack } from './load-failure.js';
import type { Servicer } from './servicers.js';

interface Run<Context> {
  readonly servicers: readonly Servicer<Context>[];
  readonly server: Server;
  readonly contextFor: (servicer: Servicer<Context>) => Context;
  /** How long all hooks together may take, in milliseconds. */
  readonly timeout: number;
  readonly clock: Clock;
  /** Called before each hook, so that who adds a service is known. */
  readonly onHook?: (name: string) => void;
}

/**
 * Calls the hooks one after the other, in the order of the config.
 *
 * @throws {DaemonError} E_SERVICER_HOOK when a hook throws or rejects, E_SERVICER_TIMEOUT when one does not settle
 */
export async function runHooks<Context>({ servicers, server, contextFor, timeout, clock, onHook }: Run<Context>): Promise<void> {
  let current = '';
  const all = async (): Promise<void> => {
    for (const servicer of servicers) {
      const { name, hook } = servicer;
      current = name;
      onHook?.(name);
      try {
        await hook(server, contextFor(servicer));
      } catch (error) {
        throw hookError(name, error);
      }
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

function hookError(name: string, thrown: unknown): DaemonError {
  if (thrown instanceof DaemonError) return named(name, thrown);
  const error = toError(thrown);
  const twice = /Method handler for (\S+) already provided/.exec(error.message)?.[1];
  const place = placeInStack(error);
  const where = place === undefined ? '' : ` at ${show(place)}`;
  const rest = { detail: userStack(error), cause: thrown };
  return twice === undefined
    ? new DaemonError('E_SERVICER_HOOK', `${name}: its grpcHook failed${where}: ${error.message}`, rest)
    : new DaemonError('E_SERVICER', `${name}: it adds a service that is there already: ${twice}${where}`, rest);
}

/** Says whose error it is, unless it does so itself. */
function named(name: string, error: DaemonError): DaemonError {
  if (error.message.includes(name)) return error;
  const { code, message, hint, detail } = error.toData();
  return new DaemonError(code, `${name}: ${message}`, { hint, cause: error, ...(detail === undefined ? {} : { detail }) });
}
