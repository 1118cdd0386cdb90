/** Runs in the primary. What routers are started with, as the last reload left it. */
import type { TlsMaterial } from '../../config/certificates.js';
import type { Config } from '../../config/options.js';
import type { RouterLimits, ToRouter } from '../../ipc/router-messages.js';

export type TlsPair = Pick<TlsMaterial, 'pem'>;

export interface RouterSettingsParts {
  readonly config: Config;
  readonly tls: TlsPair | null;
  /** 48 bytes, base64. */
  readonly ticketKeys: string;
  readonly logFormat: 'json' | 'pretty';
}

export class RouterSettings {
  config: Config;
  tls: TlsPair | null;
  logLevel: string;
  readonly #ticketKeys: string;
  readonly #logFormat: 'json' | 'pretty';

  constructor({ config, tls, ticketKeys, logFormat }: RouterSettingsParts) {
    this.config = config;
    this.tls = tls;
    this.logLevel = config.log.level;
    this.#ticketKeys = ticketKeys;
    this.#logFormat = logFormat;
  }

  get limits(): RouterLimits {
    const { maxConcurrentStreams, maxMetadataSize, keepalive, maxConnectionAge, maxConnectionAgeGrace, maxConnectionIdle, queueTimeout } = this.config;
    return { maxConcurrentStreams, maxMetadataSize, keepalive, maxConnectionAge, maxConnectionAgeGrace, maxConnectionIdle, queueTimeout };
  }

  startOrder(index: number): ToRouter {
    const { name, clientAuthentication } = this.config;
    return {
      type: 'start', index, name, limits: this.limits, clientAuthentication,
      tls: this.tls === null ? null : { pem: this.tls.pem },
      ticketKeys: this.#ticketKeys, logLevel: this.logLevel, logFormat: this.#logFormat,
    };
  }
}
