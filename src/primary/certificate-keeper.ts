/**
 * Runs in the primary. Keeps what TLS needs as new as it is on disk: a good pair goes to the running workers
 * (src/front/intake.ts swaps it in) and to those that start later; while the files are no good, the last good pair
 * serves on. Says when the certificate in use is about to expire.
 */
import { utc } from '../config/certificate-dates.js';
import { nameOf } from '../config/certificate-facts.js';
import type { TlsMaterial } from '../config/certificates.js';
import type { ToWorker } from '../ipc/messages.js';
import type { Clock } from '../shared/clock.js';
import type { Emit } from '../shared/events.js';
import { CertificateExpiry } from './certificate-expiry.js';
import { CertificateFiles, type CertificateSettings } from './certificate-files.js';
import type { Generation } from './generation.js';

/** Between two looks, in milliseconds. */
export const LOOK_INTERVAL = 1000;

type SetCertificates = Extract<ToWorker, { type: 'set-certificates' }>;

/** A worker; or what stands for the routers. */
export interface Recipient {
  readonly generation: number;
  send(message: SetCertificates): boolean;
}

export interface CertificateKeeperOptions {
  readonly clock: Clock;
  readonly emit: Emit;
  /** The numbers of the generations that take new connections, or will; the one that is wanted comes first. */
  readonly generations: () => Iterable<number>;
  readonly generationOf: (number: number) => Generation;
  /** The workers that have not gone. */
  readonly workers: () => readonly Recipient[];
  /** What `status` says of certificates may be something else. */
  readonly onChange: () => void;
}

/** A generation that serves with TLS, and what it had when this look began. */
interface Serving {
  readonly number: number;
  readonly generation: Generation;
  readonly tls: TlsMaterial;
}

export class CertificateKeeper {
  readonly #options: CertificateKeeperOptions;
  readonly #expiry = new CertificateExpiry();
  /** By what the settings say: generations that name the same files share them. */
  #files = new Map<string, CertificateFiles>();
  #cancel: () => void = () => undefined;
  #looking: Promise<void> = Promise.resolve();
  #state: 'idle' | 'keeping' | 'closed' = 'idle';

  constructor(options: CertificateKeeperOptions) {
    this.#options = options;
  }

  /**
   * Reads the files for a generation to come. Those that serve get what is found too.
   * @returns null when authentication is off
   * @throws DaemonError E_CERTIFICATE
   */
  read(settings: CertificateSettings): TlsMaterial | null {
    return this.#filesOf(settings).read();
  }

  start(): void {
    this.#state = 'keeping';
    this.#lookLater();
  }

  close(): void {
    this.#state = 'closed';
    this.#cancel();
  }

  /** Resolves when the look that is under way, if any, is over. */
  idle(): Promise<void> {
    return this.#looking;
  }

  /** What is wrong with the files of these settings; null when nothing is, or it may pass yet. */
  problemOf(settings: CertificateSettings): string | null {
    return this.#files.get(keyOf(settings))?.trouble.told?.message ?? null;
  }

  #lookLater(): void {
    this.#cancel = this.#options.clock.after(LOOK_INTERVAL, () => {
      this.#looking = this.#look().then(() => {
        if (this.#state === 'keeping') this.#lookLater();
      });
    });
  }

  async #look(): Promise<void> {
    const serving = this.#serving();
    // Those that no generation needs any more are forgotten.
    this.#files = new Map(serving.map(({ generation: { config } }) => [keyOf(config), this.#filesOf(config)]));
    await Promise.all([...this.#files.values()].map((files) => files.look()));
    if (this.#state === 'closed') return;
    for (const [key, files] of this.#files) {
      const [first, ...rest] = serving.filter(({ generation }) => keyOf(generation.config) === key);
      if (first !== undefined) this.#bringUp(files, [first, ...rest]);
    }
    this.#tellExpiry();
  }

  #serving(): Serving[] {
    const { generations, generationOf } = this.#options;
    return [...new Set(generations())].flatMap((number) => {
      const generation = generationOf(number);
      return generation.tls === null ? [] : [{ number, generation, tls: generation.tls }];
    });
  }

  /** Gives the newest material to those that have another, and tells what there is to tell. */
  #bringUp(files: CertificateFiles, serving: readonly [Serving, ...Serving[]]): void {
    const { clock, emit, onChange } = this.#options;
    const { newest, trouble } = files;
    const stale = newest === null ? [] : serving.filter(({ tls }) => !isSame(tls, newest));
    const isRelieved = trouble.takeRelief();
    const problem = trouble.takeNew(clock.monotonic());
    if (newest !== null && stale.length > 0) {
      const workers = stale.reduce((told, each) => told + this.#swap(each, newest), 0);
      const { facts, warnings } = newest;
      const { authorities, fingerprint256: fingerprint } = facts;
      emit('certificates.replaced', { ...describe(newest), fingerprint, authorities, workers, warnings }, warnings.length > 0 ? 'warn' : 'info');
    } else if (isRelieved) {
      emit('certificates.mended', describe(serving[0].tls));
    }
    if (problem !== null) emit('certificates.refused', { error: problem.message, hint: problem.hint, ...describe(serving[0].tls) });
    if (stale.length > 0 || isRelieved || problem !== null) onChange();
  }

  /** Returns how many workers were told. */
  #swap({ number, generation }: Serving, tls: TlsMaterial): number {
    generation.tls = tls;
    // Those that drain may still get a connection that was on its way to them.
    const own = this.#options.workers().filter((worker) => worker.generation === number);
    return own.filter((worker) => worker.send({ type: 'set-certificates', tls: { pem: tls.pem } })).length;
  }

  #tellExpiry(): void {
    const { clock, emit } = this.#options;
    const inUse = this.#serving()[0]?.tls;
    const days = inUse === undefined ? null : this.#expiry.takeDays(inUse, clock.now());
    if (inUse === undefined || days === null) return;
    emit('certificates.expiring', { ...describe(inUse), days }, days < 0 ? 'error' : 'warn');
  }

  #filesOf(settings: CertificateSettings): CertificateFiles {
    const key = keyOf(settings);
    const files = this.#files.get(key) ?? new CertificateFiles(settings, this.#options.clock);
    this.#files.set(key, files);
    return files;
  }
}

const keyOf = ({ authentication, certificates, clientAuthentication, allowWorldReadableKeys }: CertificateSettings): string =>
  JSON.stringify([authentication, certificates, clientAuthentication, allowWorldReadableKeys]);

const isSame = ({ pem: one }: TlsMaterial, { pem: other }: TlsMaterial): boolean =>
  one.certificate === other.certificate && one.key === other.key && one.authorities === other.authorities;

const describe = ({ facts, validUntil }: TlsMaterial): { subject: string; validUntil: string } => ({
  subject: nameOf(facts),
  validUntil: utc(validUntil),
});
