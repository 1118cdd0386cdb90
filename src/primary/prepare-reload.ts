/**
 * Runs in the primary. What a reload reads and opens before it touches anything: the settings, the certificates, a new
 * address; and what it changes here when the new generation serves.
 */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { preloadArguments } from '../config/preload.js';
import type { Emit } from '../shared/events.js';
import { moveTo } from './addresses.js';
import type { Admin } from './admin/admin.js';
import { Generation, type GenerationParts } from './generation.js';
import type { KeptFiles } from './kept-files.js';
import type { Settings } from './main.js';
import type { Ports } from './ports.js';
import type { Prepared } from './reloader.js';
import { carryOver } from './restart-required.js';
import type { UserCode } from './user-code.js';

export interface PreparationParts {
  readonly emit: Emit;
  readonly code: UserCode;
  readonly kept: KeptFiles;
  readonly ports: Ports;
  readonly admin: Admin;
  /** Of the generation that serves. */
  readonly current: () => Config;
  /** Reads the settings anew. */
  readonly load: () => Promise<Settings>;
  /** What generations have in common. */
  readonly shared: Pick<GenerationParts, 'logFormat' | 'ticketKeys'>;
  readonly warn: (sentences: readonly string[]) => void;
  /** The new generation serves, with these. */
  readonly onCommit: (config: Config, tls: TlsMaterial | null) => void;
}

/**
 * @param sameConfig start the workers anew, with the settings as they are
 * @throws DaemonError when something is wrong with what was read; nothing has changed then
 */
export async function prepareReload(parts: PreparationParts, sameConfig: boolean): Promise<Prepared> {
  const { emit, code, kept, ports, admin, current, load, shared, warn, onCommit } = parts;
  const before = current();
  await code.begin();
  const fresh = sameConfig ? null : await load();
  const { config, restartRequired } = fresh === null ? { config: before, restartRequired: [] } : carryOver(before, fresh.config);
  await code.consider(config);
  preloadArguments(config.preload);
  const read = kept.read(config);
  const { tls } = read;
  const addresses = await moveTo(config, { ports, admin, emit });
  warn([...(fresh?.warnings ?? []), ...(tls?.warnings ?? [])]);
  return {
    generation: new Generation({ config, ...read, ...shared }),
    restartRequired,
    commit() {
      addresses.commit();
      onCommit(config, tls);
    },
    discard: () => addresses.discard(),
  };
}
