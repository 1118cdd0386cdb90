/** Runs in the primary. What the daemon reads from files that may change while it runs: certificates, and signatureData. */
import { readCertificates } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import { readSignature } from '../config/signature-data.js';
import { CertificateKeeper } from './certificate-keeper.js';
import type { FileKeeperOptions } from './file-keeper.js';
import type { GenerationParts } from './generation.js';
import type { RouterFleet } from './routers/router-fleet.js';
import { SignatureKeeper } from './signature-keeper.js';
import type { WorkerHandle } from './worker-handle.js';

export type Kept = Pick<GenerationParts, 'tls' | 'signature'>;

export interface KeptFilesOptions extends Omit<FileKeeperOptions<never>, 'workers'> {
  readonly workers: () => readonly WorkerHandle[];
  /** Whose are the connections of clients, then; null when they are the workers'. */
  readonly routers: RouterFleet | null;
}

export class KeptFiles {
  readonly #certificates: CertificateKeeper;
  readonly #signature: SignatureKeeper;

  constructor({ routers, workers, ...options }: KeptFilesOptions) {
    const send = ({ tls }: { readonly tls: Parameters<RouterFleet['setCertificates']>[0] }) => routers?.setCertificates(tls) ?? false;
    // The one that is wanted comes first.
    const fleet = () => [...options.generations()].slice(0, 1).map((generation) => ({ generation, send }));
    this.#certificates = new CertificateKeeper({ ...options, workers: routers === null ? workers : fleet });
    this.#signature = new SignatureKeeper({ ...options, workers });
  }

  /**
   * Reads them for a first start, before anything else is there.
   * @throws DaemonError E_CERTIFICATE or E_CONFIG_VALUE
   */
  static readOnce(config: Config): Kept {
    return { tls: readCertificates(config, new Date()), signature: readSignature(config) };
  }

  /** Reads them for a generation to come. @throws DaemonError E_CERTIFICATE or E_CONFIG_VALUE */
  read(config: Config): Kept {
    return { tls: this.#certificates.read(config), signature: this.#signature.read(config) };
  }

  /** Why the files of these settings as they are now are not in use; null when they are. */
  problemsOf(config: Config): { readonly certificateProblem: string | null; readonly signatureProblem: string | null } {
    return { certificateProblem: this.#certificates.problemOf(config), signatureProblem: this.#signature.problemOf(config) };
  }

  start(): void {
    this.#certificates.start();
    this.#signature.start();
  }

  close(): void {
    this.#certificates.close();
    this.#signature.close();
  }
}
