/** Runs in the primary. The addresses that a reload may move: both of them, or neither. */
import type { Config } from '../config/options.js';
import type { Emit } from '../shared/events.js';
import type { Admin } from './admin/admin.js';
import type { Ports } from './ports.js';

export interface Addresses {
  readonly ports: Ports;
  readonly admin: Admin;
  readonly emit: Emit;
}

/**
 * Opens what is new beside what serves. What is returned makes it count, or takes it back.
 * @throws DaemonError E_ADDRESS or E_ADDRESS_PERMISSION; the old ones serve on
 */
export async function moveTo(next: Config, { ports, admin, emit }: Addresses): Promise<{ commit(): void; discard(): void }> {
  const port = await ports.change(next);
  try {
    const page = await admin.change(next);
    let undo = (): void => {
      port.discard();
      page.discard();
    };
    return {
      commit() {
        // A stop may still pre-empt the reload, and then has these to close.
        undo = () => undefined;
        if (port.commit()) emit('daemon.listening', { address: ports.address, port: ports.port });
        page.commit();
      },
      discard: () => undo(),
    };
  } catch (error) {
    port.discard();
    throw error;
  }
}
