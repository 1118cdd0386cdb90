/** Runs in a worker: what `signatureData` demands of the metadata of a call. */
import crypto from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { SignatureData } from '../../config/signature-data.js';

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

  constructor(data: SignatureData) {
    this.#rules = Object.entries(data).map(([key, values]) => new SignatureRule(key.toLowerCase(), values));
  }

  accept(metadata: Metadata): boolean {
    let accepted = true;
    for (const rule of this.#rules) accepted = rule.accepts(metadata) && accepted;
    return accepted;
  }
}
