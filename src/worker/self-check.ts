/**
 * Runs in a worker. The last step before ready: a call of health through the real transport and the real server.
 * It goes outside of all interceptors, so that neither a signature nor a strict interceptor nor mTLS stands in its
 * way, and works when health is not served to clients.
 */
import { DaemonError, toError } from '../shared/errors.js';
import type { BuiltInService } from './services/built-in-service.js';
import type { ServicerServer } from './servicer-server.js';
import type { Transport } from './transport/transport.js';

const CHECK = '/grpc.health.v1.Health/Check';
/** HealthCheckResponse { status: SERVING } on the wire. */
const SERVING = Buffer.from([0x08, 0x01]);

/**
 * @param health the daemon's own health service, if it is not among the server's services
 * @param timeout in milliseconds
 * @throws DaemonError E_WORKER_BOOT
 */
export async function selfCheck(
  server: ServicerServer,
  transport: Transport,
  health: BuiltInService | null,
  timeout: number,
): Promise<void> {
  if (health !== null) server.addService(health.definition, health.implementation);
  try {
    const answer = await transport.selfCall(CHECK, timeout);
    if (!answer.equals(SERVING)) throw new Error('health is not SERVING');
  } catch (error) {
    throw new DaemonError('E_WORKER_BOOT', `The worker's own call of health failed: ${toError(error).message}`, { cause: error });
  } finally {
    if (health !== null) server.removeService(health.definition);
  }
}
