/** Runs in a worker: what `signatureData` demands of the metadata of a call. */
import { readFileSync } from 'node:fs';
import crypto from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { Config } from '../../config/options.js';
import { DaemonError, systemCode } from '../../shared/errors.js';

/** How node joins the values of a field that came several times. */
const JOINT = ', ';

/** Text that is compared in a time that says nothing about it, neither where a guess differs nor how long it is. */
class SecretText {
  readonly #bytes: Buffer;
  /** How many values, joined by node, make up one like this. */
  readonly parts: number;

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
    this.parts = text.split(JOINT).length;
  }

  /** Compares every byte of the secret, whatever the guess is; only the length of the guess changes the work. */
  equals(guess: string): boolean {
    const padded = Buffer.alloc(this.#bytes.length);
    padded.write(guess);
    const sameBytes = crypto.timingSafeEqual(padded, this.#bytes);
    return sameBytes && Buffer.byteLength(guess) === this.#bytes.length;
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

  /** Looks at everything even after a match, so that the time does not tell which value matched. */
  accepts(metadata: Metadata): boolean {
    let found = false;
    for (const field of metadata.get(this.#key)) {
      const values = String(field).split(JOINT);
      for (const secret of this.#accepted) {
        for (let first = 0; first + secret.parts <= values.length; first += 1) {
          const guess = values.slice(first, first + secret.parts).join(JOINT);
          found = secret.equals(guess) || found;
        }
      }
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

/** The rules of the config, `{ file }` values read now. Throws E_CONFIG_VALUE that names the key and the file. */
export function readSignatureRules(data: Config['signatureData']): SignatureRules {
  const values = Object.entries(data).map(([key, entry]): [string, readonly string[]] => {
    if ('values' in entry) return [key, entry.values];
    return [key, readValues(key, entry.file)];
  });
  return new SignatureRules(Object.fromEntries(values));
}

/** One value a line; blank lines do not count. */
function readValues(key: string, file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DaemonError('E_CONFIG_VALUE', `signatureData.${key}: cannot read ${file} (${systemCode(cause) ?? 'error'})`, {
      cause,
      hint: 'The file must be readable by the user of the daemon and hold one accepted value a line.',
    });
  }
  const values = text.split(/\r?\n/).filter((line) => line !== '');
  if (values.length > 0) return values;
  throw new DaemonError('E_CONFIG_VALUE', `signatureData.${key}: ${file} is empty`, {
    hint: 'Write one accepted value a line.',
  });
}
