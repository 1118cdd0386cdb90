/**
 * Runs in the primary. What the files held that each generation was proven with, as its workers reported them
 * (src/worker/loaded-files.ts), and which of them hold something else now. A worker that is replaced loads what is
 * on disk now, and that may be code that nobody has seen run.
 */
import type { LoadedFile } from '../../ipc/messages.js';
import type { Clock } from '../../shared/clock.js';
import type { ContentHashes } from './content-hashes.js';

/** For how long the answer to "what has changed?" counts, in milliseconds. */
const FRESHNESS = 1000;
/** The hash of a file that was written again after its worker had loaded it: nobody knows what it held. */
const UNKNOWN = 'unknown';

interface Proof {
  readonly hashes: Map<string, string>;
  changed: readonly string[];
  /** When `changed` was found out, in milliseconds. */
  at: number;
  looking: Promise<readonly string[]> | null;
}

export interface ProvenCodeParts {
  readonly clock: Clock;
  readonly hashes: ContentHashes;
  /** What a generation was proven with is no longer what is on disk, or is again. */
  readonly onChange: (generation: number, changed: readonly string[]) => void;
}

export class ProvenCode {
  readonly #parts: ProvenCodeParts;
  readonly #proofs = new Map<number, Proof>();

  constructor(parts: ProvenCodeParts) {
    this.#parts = parts;
  }

  /**
   * Takes a worker's report. What another worker of the generation has named first stays as it was then. Resolves
   * with the files that were written again after this worker had loaded them.
   */
  async note(generation: number, files: readonly LoadedFile[]): Promise<string[]> {
    const proof = this.#proof(generation);
    const rewritten = files.map(async ({ path, hash }) => {
      if (!proof.hashes.has(path)) proof.hashes.set(path, hash ?? UNKNOWN);
      return (await this.#parts.hashes.of(path)) === hash ? [] : [path];
    });
    return (await Promise.all(rewritten)).flat();
  }

  /** Every file of every generation that is remembered. */
  get files(): string[] {
    return [...new Set([...this.#proofs.values()].flatMap(({ hashes }) => [...hashes.keys()]))];
  }

  /** Forgets the other generations, but for the newest: if that is one which failed, its files are still to be mended. */
  keepOnly(generations: ReadonlySet<number>): void {
    const newest = Math.max(...this.#proofs.keys());
    for (const generation of this.#proofs.keys()) {
      if (generation !== newest && !generations.has(generation)) this.#proofs.delete(generation);
    }
  }

  /** The files that hold something else, as far as was known when it was last looked. */
  knownChanges(generation: number): readonly string[] {
    return this.#proofs.get(generation)?.changed ?? [];
  }

  /** Somebody has reason to think that files have changed: the next answer is a new one. */
  expire(): void {
    for (const proof of this.#proofs.values()) proof.at = -Infinity;
  }

  /** The files that hold something else now, or did less than a second ago. Never rejects. */
  changes(generation: number): Promise<readonly string[]> {
    const proof = this.#proof(generation);
    if (this.#parts.clock.monotonic() - proof.at < FRESHNESS) return Promise.resolve(proof.changed);
    proof.looking ??= this.#look(generation, proof);
    return proof.looking;
  }

  /** The files that hold something else now, however short ago that was last asked. Never rejects. */
  async changesNow(generation: number): Promise<readonly string[]> {
    const proof = this.#proof(generation);
    // One that is looking already may be past a file that was saved since.
    await proof.looking;
    proof.at = -Infinity;
    return this.changes(generation);
  }

  async #look(generation: number, proof: Proof): Promise<readonly string[]> {
    const { clock, hashes, onChange } = this.#parts;
    const found = await Promise.all([...proof.hashes].map(async ([file, proven]) => ((await hashes.of(file)) === proven ? [] : [file])));
    const changed = found.flat();
    const isNews = changed.join('\n') !== proof.changed.join('\n');
    proof.changed = changed;
    proof.at = clock.monotonic();
    proof.looking = null;
    if (isNews) onChange(generation, changed);
    return changed;
  }

  #proof(generation: number): Proof {
    let proof = this.#proofs.get(generation);
    if (proof === undefined) {
      proof = { hashes: new Map(), changed: [], at: -Infinity, looking: null };
      this.#proofs.set(generation, proof);
    }
    return proof;
  }
}
