/**
 * Runs in the primary. Keeps certificates as new as they are on disk (src/front/intake.ts swaps them in), and says when
 * one in use is about to expire.
 */
import { utc } from '../config/certificate-dates.js';
import { nameOf } from '../config/certificate-facts.js';
import { readCertificates, type TlsMaterial } from '../config/certificates.js';
import type { Config } from '../config/options.js';
import type { ToWorker } from '../ipc/messages.js';
import type { DaemonError } from '../shared/errors.js';
import { CertificateExpiry } from './certificate-expiry.js';
import { FileKeeper } from './file-keeper.js';
import type { FileSource } from './followed-files.js';
import type { Generation } from './generation.js';

type SetCertificates = Extract<ToWorker, { type: 'set-certificates' }>;

export class CertificateKeeper extends FileKeeper<TlsMaterial, SetCertificates> {
  readonly #expiry = new CertificateExpiry();

  protected override keyOf({ authentication, certificates, clientAuthentication }: Config): string {
    return JSON.stringify([authentication, certificates, clientAuthentication]);
  }

  protected override sourceOf(config: Config): FileSource<TlsMaterial> {
    const paths = Object.values(config.certificates).flatMap((source) => (source !== null && 'path' in source ? [source.path] : []));
    return { paths, read: (now) => readCertificates(config, now) };
  }

  protected override materialOf({ tls }: Generation): TlsMaterial | null {
    return tls;
  }

  protected override give(generation: Generation, tls: TlsMaterial): void {
    generation.tls = tls;
  }

  protected override messageOf({ pem }: TlsMaterial): SetCertificates {
    return { type: 'set-certificates', tls: { pem } };
  }

  protected override isSame({ pem: one }: TlsMaterial, { pem: other }: TlsMaterial): boolean {
    return one.certificate === other.certificate && one.key === other.key && one.authorities === other.authorities;
  }

  protected override tellReplaced(tls: TlsMaterial, workers: number): void {
    const { facts, warnings } = tls;
    const { authorities, fingerprint256: fingerprint } = facts;
    this.options.emit('certificates.replaced', { ...describe(tls), fingerprint, authorities, workers, warnings }, warnings.length > 0 ? 'warn' : 'info');
  }

  protected override tellMended(inUse: TlsMaterial): void {
    this.options.emit('certificates.mended', describe(inUse));
  }

  protected override tellRefused({ message: error, hint }: DaemonError, inUse: TlsMaterial): void {
    this.options.emit('certificates.refused', { error, hint, ...describe(inUse) });
  }

  protected override looked(inUse: TlsMaterial | undefined): void {
    const { clock, emit } = this.options;
    const news = inUse === undefined ? [] : this.#expiry.take(inUse, clock.now());
    for (const { certificate, end, days } of news) {
      emit('certificates.expiring', { certificate, subject: end.name, validUntil: utc(end.validUntil), days }, days < 0 ? 'error' : 'warn');
    }
  }
}

const describe = ({ facts, validUntil }: TlsMaterial): { subject: string; validUntil: string } => ({
  subject: nameOf(facts),
  validUntil: utc(validUntil),
});
