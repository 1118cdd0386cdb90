import type { OptionKey } from './options.js';
import type { Origin } from './origin.js';

/** A value as somebody wrote it, before it is read. */
export interface Given {
  readonly key: OptionKey;
  readonly value: unknown;
  readonly origin: Exclude<Origin, { source: 'default' }>;
  /** The folder that relative paths in the value start from. */
  readonly base: string;
}
