/** Runs in a worker: what `signatureData` demands of the metadata of a call. */
import { readFileSync } from 'node:fs';
import crypto from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { isCredential, missingCredential } from '../../config/credential-path.js';
import type { Config } from '../../config/options.js';
import { DaemonError, systemCode } from '../../shared/errors.js';

/** How node joins the values of a field that came several times. */
const JOINT = ', ';

/** Text that is compared in a time that says nothing about it, neither where a guess differs nor how long it is. */
class SecretText {
  readonly #bytes: Buffer;
  readonly #guess: Buffer;
  readonly #parts: number;

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
    this.#guess = Buffer.alloc(this.#bytes.length);
    this.#parts = text.split(JOINT).length;
  }

  /** True when the field holds this text as one of its values. Looks at all of them, also after a match. */
  isIn(field: string): boolean {
    if (this.#parts === 1 && !field.includes(JOINT)) return this.#equals(field);
    const values = field.split(JOINT);
    let found = false;
    for (let first = 0; first + this.#parts <= values.length; first += 1) {
      found = this.#equals(values.slice(first, first + this.#parts).join(JOINT)) || found;
    }
    return found;
  }

  /** Compares every byte of the secret, whatever the guess is; only the length of the guess changes the work. */
  #equals(guess: string): boolean {
    this.#guess.fill(0);
    this.#guess.write(guess);
    const isSame = crypto.timingSafeEqual(this.#guess, this.#bytes);
    return isSame && Buffer.byteLength(guess) === this.#bytes.length;
  }
}

/** One key of the metadata, and the values of which it must hold at least one. */
class SignatureRule {
  readonly #key: string;
  readonly #accepted: readonly SecretText[];

  constructor(key: string, values: readonly string[]) {
    this.#key = key;
    this.#accepted = values.map((value) => new SecretText(value));
  }

  /** Goes on after a match, so that the time does not tell which of the values it was. */
  accepts(metadata: Metadata): boolean {
    let found = false;
    for (const field of metadata.get(this.#key)) {
      for (const secret of this.#accepted) found = secret.isIn(String(field)) || found;
    }
    return found;
  }
}

/** All rules; a call must satisfy every one. */
export class SignatureRules {
  readonly #rules: readonly SignatureRule[];

  constructor(data: Readonly<Record<string, readonly string[]>>) {
    this.#rules = Object.entries(data).map(([key, values]) => new SignatureRule(key.toLowerCase(), values));
  }

  accept(metadata: Metadata): boolean {
    let accepted = true;
    for (const rule of this.#rules) accepted = rule.accepts(metadata) && accepted;
    return accepted;
  }
}

/**
 * The rules of the config, `{ file }` values read now. Throws E_CONFIG_VALUE, which names the key and the file, when
 * a file cannot be used or a value could never be met.
 */
export function readSignatureRules(data: Config['signatureData']): SignatureRules {
  const values = Object.entries(data).map(([key, entry]): [string, readonly string[]] => {
    const source = 'file' in entry ? `signatureData.${key}: ${entry.file}` : `signatureData.${key}`;
    const accepted = 'file' in entry ? readValues(source, entry.file) : entry.values;
    for (const value of accepted) assertCanBeSent(source, value);
    return [key, accepted];
  });
  return new SignatureRules(Object.fromEntries(values));
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
