/** Runs in workers and in the inspector: the second parameter of a grpcHook. */
import type { Logger } from 'pino';
import type { Config } from '../config/options.js';
import type { LoadProto } from './services/load-proto.js';

export interface ServicerContext {
  /** The settings of the daemon, frozen. */
  readonly config: Config;
  /** Writes to the daemon's log, with slot and generation on every line. */
  readonly logger: Logger;
  /** Number of this worker, 0 and up; its replacements keep it. */
  readonly slot: number;
  readonly generation: number;
  /** Aborted when this worker starts to leave, so that a long stream can end itself. */
  readonly signal: AbortSignal;
  /** The function is called (and waited for, up to 5 s) when the last call has ended, the last registered first. */
  onShutdown(callback: () => unknown): void;
  /**
   * Loads .proto files or a descriptor set; relative paths start from the servicer's own folder. What is loaded
   * here is what reflection serves.
   */
  readonly loadProto: LoadProto;
}
