/** Runs in the primary. What all workers of one generation are started with. */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { availableParallelism, resolveMinWorkers, resolveWorkers } from '../config/parallelism.js';
import type { SignatureData } from '../config/signature-data.js';
import type { GoalSource } from '../control/definition.js';
import type { ToWorker } from '../ipc/messages.js';
import { shareCallLimit } from '../shared/call-shares.js';

/** How far `scale` may go above what the config asks for. */
const SCALE_FACTOR = 4;

/** All that a worker is started with, but for what is its own alone. */
export type StartOrder = Omit<Extract<ToWorker, { type: 'start' }>, 'linkPath'>;

export interface GenerationParts {
  readonly config: Config;
  readonly tls: TlsMaterial | null;
  readonly signature: SignatureData | null;
  readonly logFormat: 'json' | 'pretty';
  /** 48 bytes, base64. */
  readonly ticketKeys: string;
}

export class Generation {
  readonly config: Config;
  /** Of the workers that start from now on: renewed when the files are (src/primary/kept-files.ts). */
  tls: TlsMaterial | null;
  signature: SignatureData | null;
  /** How many workers the config asks for, at the least and at the most. */
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly #logFormat: 'json' | 'pretty';
  readonly #ticketKeys: string;
  /** Of the workers that start from now on; else what the config says. */
  logLevel: Config['log']['level'] | null = null;

  constructor({ config, tls, signature, logFormat, ticketKeys }: GenerationParts) {
    this.config = config;
    this.tls = tls;
    this.signature = signature;
    this.minWorkers = resolveMinWorkers(config);
    this.maxWorkers = resolveWorkers(config);
    this.#logFormat = logFormat;
    this.#ticketKeys = ticketKeys;
  }

  /** Whether the fleet follows the load. */
  get isElastic(): boolean {
    return this.minWorkers < this.maxWorkers;
  }

  /**
   * How many workers a fleet of `current` has when the config, and nobody else, decides. One that follows the load
   * keeps what it has, within the config's limits: it may need it, and shrinks by itself if not.
   */
  sizeFrom(current: number): { readonly workers: number; readonly source: GoalSource } {
    const workers = Math.min(Math.max(this.minWorkers, current), this.maxWorkers);
    return { workers, source: workers === this.minWorkers ? 'config' : 'elastic' };
  }

  /** What `scale` makes of a wish: no worker without a call that it may take, and not without bounds. */
  clampScale(wanted: number): number {
    const { balance, maximumConcurrentRpcs } = this.config;
    const shared = balance === 'rpc' ? null : maximumConcurrentRpcs;
    const most = Math.min(SCALE_FACTOR * this.maxWorkers, shared ?? Infinity);
    return Math.min(Math.max(1, wanted), most);
  }

  /** How many may boot at the same time. */
  get bootConcurrency(): number {
    const { bootConcurrency } = this.config;
    return bootConcurrency === 'auto' ? availableParallelism() : bootConcurrency;
  }

  /** The longest of the timeouts that calls get in a worker that leaves, in milliseconds. */
  get gracefulTimeout(): number {
    return Math.max(this.config.gracefulTimeout, this.config.streamGracefulTimeout);
  }

  /** How many workers above the goal may exist while a reload replaces them. */
  surge(workers: number): number {
    const { surge } = this.config;
    return surge === 'all' ? workers : Math.min(surge, workers);
  }

  /** A slot's share of the cap on calls when the slots below `workers` share it out; null without a cap, or when routers keep it. */
  callLimit(slot: number, workers: number): number | null {
    const { balance, maximumConcurrentRpcs } = this.config;
    return maximumConcurrentRpcs === null || balance === 'rpc' ? null : shareCallLimit(maximumConcurrentRpcs, workers, slot);
  }

  /** The order that starts the worker of a slot. @param workers how many share the cap on calls */
  startMessage(slot: number, generation: number, workers: number): StartOrder {
    return {
      type: 'start',
      slot,
      generation,
      config: this.logLevel === null ? this.config : { ...this.config, log: { ...this.config.log, level: this.logLevel } },
      logFormat: this.#logFormat,
      callLimit: this.callLimit(slot, workers),
      // With routers it is they who need the key.
      tls: this.tls === null || this.config.balance === 'rpc' ? null : { pem: this.tls.pem },
      ticketKeys: this.#ticketKeys,
      signature: this.signature,
    };
  }
}
