/** Runs in the primary. What all workers of one generation are started with. */
import type { TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { availableParallelism, resolveWorkers } from '../config/parallelism.js';
import type { ToWorker } from '../ipc/messages.js';
import { shareCallLimit } from '../shared/call-shares.js';

export interface GenerationParts {
  readonly config: Config;
  readonly tls: TlsMaterial | null;
  readonly logFormat: 'json' | 'pretty';
  /** 48 bytes, base64. */
  readonly ticketKeys: string;
}

export class Generation {
  readonly config: Config;
  readonly tls: TlsMaterial | null;
  readonly #logFormat: 'json' | 'pretty';
  readonly #ticketKeys: string;
  /** Of the workers that start from now on; else what the config says. */
  logLevel: Config['log']['level'] | null = null;

  constructor({ config, tls, logFormat, ticketKeys }: GenerationParts) {
    this.config = config;
    this.tls = tls;
    this.#logFormat = logFormat;
    this.#ticketKeys = ticketKeys;
  }

  /** How many workers the config asks for. */
  get workers(): number {
    return resolveWorkers(this.config);
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

  /** The order that starts the worker of a slot. @param workers how many share the cap on calls */
  startMessage(slot: number, generation: number, workers: number): ToWorker {
    const { maximumConcurrentRpcs } = this.config;
    return {
      type: 'start',
      slot,
      generation,
      config: this.logLevel === null ? this.config : { ...this.config, log: { ...this.config.log, level: this.logLevel } },
      logFormat: this.#logFormat,
      callLimit: maximumConcurrentRpcs === null ? null : shareCallLimit(maximumConcurrentRpcs, workers, slot),
      tls: this.tls === null ? null : { pem: this.tls.pem },
      ticketKeys: this.#ticketKeys,
    };
  }
}
