import { readFileSync } from 'node:fs';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from './daemon.js';
import { ROOT, servicer } from './paths.js';

/** The servicer of `startOwn`, relative to the daemon's folder. */
export const SERVICER = './servicers/own.js';
/** The probe servicer. */
export const GOOD = `export { grpcHook } from ${JSON.stringify(servicer('probe.js'))};\n`;

/** A module whose hook runs these lines, with `server` and `context`. */
export const hook = (...lines: readonly string[]): string =>
  `import { grpcHook as probe } from ${JSON.stringify(servicer('probe.js'))};
export async function grpcHook(server, context) {
${lines.map((line) => `  ${line}\n`).join('')}}
`;

/** The probe servicer in a process that ends a moment after it is ready, in workers for which the expression is true. */
export const dying = (when = 'true'): string => hook('await probe(server, context);', `if (${when}) setTimeout(() => process.exit(9), 200);`);

/** A daemon with the probe servicer in a file of its own, which the test can write anew. */
export function startOwn(config: UserConfig = {}): Promise<Daemon> {
  const files = {
    [SERVICER]: GOOD,
    'package.json': '{"type":"module"}',
    'protos/probe.proto': readFileSync(`${ROOT}test/fixtures/protos/probe.proto`, 'utf8'),
  };
  return startDaemon({ files, config: { servicers: [SERVICER], ...config } });
}
