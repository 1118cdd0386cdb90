/** The inspector: a short-lived process that runs users' code to answer one question. The other half is config/inspector.ts. */
import type { FromInspector, ToInspector } from '../config/inspection.js';
import { deepFreeze } from '../config/plain-data.js';
import { DaemonError, toError, type ErrorCode } from '../shared/errors.js';
import { userStack } from './load-failure.js';

/** What to blame for an exception that nothing caught. */
let blame: ErrorCode = 'E_CONFIG_FILE';

process.once('message', (order) => {
  // Sent by config/inspector.ts, which can send nothing else.
  void answer(order as ToInspector).then(reply, fail);
});
process.once('disconnect', () => process.exit());
process.on('uncaughtException', (thrown) => {
  const error = toError(thrown);
  fail(new DaemonError(blame, `an exception that nothing caught: ${error.message}`, { detail: userStack(error) }));
});

async function answer(order: ToInspector): Promise<FromInspector> {
  if (order.type === 'load-config') {
    const { loadConfigFile } = await import('./load-config-file.js');
    return { type: 'config', data: await loadConfigFile(order.file) };
  }
  blame = 'E_SERVICER';
  const { describeServices } = await import('./describe-services.js');
  return { type: 'services', ...(await describeServices(deepFreeze(order.config))) };
}

function fail(error: unknown): void {
  reply({ type: 'failed', error: DaemonError.from(error).toData() });
}

/** The other half ends this process as soon as it has the answer. */
function reply(message: FromInspector): void {
  process.send?.(message);
}
