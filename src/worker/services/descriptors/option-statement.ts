/** Runs in workers: options between parser and interpreter. */
import type { Optioned } from './file-descriptor.js';

/** An option as written; what it means is known once all names can be looked up. */
export interface OptionStatement {
  /** The descriptor that will carry it. */
  readonly target: Optioned;
  /** The type of the options, `google.protobuf.FieldOptions`. */
  readonly type: string;
  /** Where names of extensions are looked up from. */
  readonly scope: string;
  /** `(a.b).c.d` in its parts. */
  readonly path: readonly NamePart[];
  readonly value: OptionValue;
}

export interface NamePart {
  readonly name: string;
  readonly isExtension: boolean;
}

export type OptionValue =
  | { readonly kind: 'word' | 'number'; readonly text: string }
  | { readonly kind: 'string'; readonly bytes: Buffer }
  | { readonly kind: 'message'; readonly fields: readonly (NamePart & { readonly values: readonly OptionValue[] })[] };
