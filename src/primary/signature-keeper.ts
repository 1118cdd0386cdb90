/** Runs in the primary. Keeps what calls are checked against as new as the files of signatureData are (src/worker/calls/signature.ts checks). */
import type { Config } from '../config/options.js';
import { readSignature, type SignatureData } from '../config/signature-data.js';
import type { ToWorker } from '../ipc/messages.js';
import type { DaemonError } from '../shared/errors.js';
import { FileKeeper } from './file-keeper.js';
import type { FileSource } from './followed-files.js';
import type { Generation } from './generation.js';

type SetSignature = Extract<ToWorker, { type: 'set-signature' }>;

export class SignatureKeeper extends FileKeeper<SignatureData, SetSignature> {
  protected override keyOf({ signature, signatureData, authentication, interceptors }: Config): string {
    return JSON.stringify([signature, signatureData, authentication, interceptors]);
  }

  protected override sourceOf(config: Config): FileSource<SignatureData> {
    const paths = Object.values(config.signatureData).flatMap((value) => ('file' in value ? [value.file] : []));
    return { paths, read: () => readSignature(config) };
  }

  protected override materialOf({ signature }: Generation): SignatureData | null {
    return signature;
  }

  protected override give(generation: Generation, data: SignatureData): void {
    generation.signature = data;
  }

  protected override messageOf(data: SignatureData): SetSignature {
    return { type: 'set-signature', data };
  }

  protected override isSame(one: SignatureData, other: SignatureData): boolean {
    return JSON.stringify(one) === JSON.stringify(other);
  }

  protected override tellReplaced(data: SignatureData, workers: number): void {
    this.options.emit('signature.replaced', { keys: Object.keys(data), workers });
  }

  protected override tellMended(): void {
    this.options.emit('signature.mended', {});
  }

  protected override tellRefused({ message: error, hint }: DaemonError): void {
    this.options.emit('signature.refused', { error, hint });
  }
}
