import { readFileSync } from 'node:fs';
import { DaemonError, systemCode } from '../shared/errors.js';
import { isCredential, missingCredential } from './credential-path.js';
import type { Config } from './options.js';
import { isSignatureWanted } from './validate.js';

/** Keys of the metadata, each with the values of which a call must bring one. A secret. */
export type SignatureData = Readonly<Record<string, readonly string[]>>;

export type SignatureSettings = Pick<Config, 'signature' | 'signatureData' | 'authentication' | 'interceptors'>;

/**
 * What calls are checked against, files read now; null when the check has no effect: switched off, or without TLS,
 * where the pairs would travel for everyone to read.
 * @throws DaemonError E_CONFIG_VALUE, which names the key and the file, when a file cannot be used or a value could
 * never be met
 */
export function readSignature(config: SignatureSettings): SignatureData | null {
  return config.authentication === 'ssl' && isSignatureWanted(config) ? readSignatureData(config.signatureData) : null;
}

/** @throws DaemonError as `readSignature` does */
export function readSignatureData(data: Config['signatureData']): SignatureData {
  return Object.fromEntries(
    Object.entries(data).map(([key, entry]): [string, readonly string[]] => {
      const source = 'file' in entry ? `signatureData.${key}: ${entry.file}` : `signatureData.${key}`;
      const accepted = 'file' in entry ? readValues(source, entry.file) : entry.values;
      for (const value of accepted) assertCanBeSent(source, value);
      return [key, accepted];
    }),
  );
}

/** One value a line; blank lines do not count. */
function readValues(source: string, file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DaemonError('E_CONFIG_VALUE', `${source} cannot be read (${systemCode(cause) ?? 'error'})`, {
      cause,
      hint: isCredential(file, process.env) ? missingCredential(file) : 'The file must be readable by the user of the daemon and hold one accepted value a line.',
    });
  }
  const values = text.split(/\r?\n/).filter((line) => line !== '');
  if (values.length > 0) return values;
  throw new DaemonError('E_CONFIG_VALUE', `${source} is empty`, { hint: 'Write one accepted value a line.' });
}

/** Metadata is printable ASCII, and its outer spaces are lost on the way (gRPC over HTTP/2, "ASCII-Value"). */
function assertCanBeSent(source: string, value: string): void {
  if (/^[!-~](?:[ -~]*[!-~])?$/.test(value)) return;
  throw new DaemonError('E_CONFIG_VALUE', `${source} holds a value that no client can send as metadata`, {
    hint: 'Values are printable ASCII, not empty, without spaces at either end.',
  });
}
