/** Runs in workers and in the inspector: remembers what context.loadProto loaded, until somebody asks for reflection. */
import { decodeFile } from './descriptors/codec.js';
import { compileProtos, type ProtoSource } from './descriptors/compiler.js';
import type { FilePool } from './descriptors/file-pool.js';
import { wellKnownFiles } from './descriptors/well-known.js';

type Load =
  | { readonly kind: 'sources'; readonly sources: readonly ProtoSource[] }
  | { readonly kind: 'set'; readonly files: readonly Uint8Array[] };

/** Keeps the text of .proto files, or the encoded FileDescriptorProtos; makes descriptors only when asked. */
export class DescriptorRegistry {
  readonly #loads: Load[] = [];

  /** @param sources .proto files and everything they import, well-known files excepted. */
  addSources(sources: readonly ProtoSource[]): void {
    const isKnown = this.#loads.some((load) => load.kind === 'sources' && haveSameText(load.sources, sources));
    if (!isKnown) this.#loads.push({ kind: 'sources', sources });
  }

  /** @param files Encoded FileDescriptorProtos, served as they are. */
  addSet(files: readonly Uint8Array[]): void {
    this.#loads.push({ kind: 'set', files });
  }

  /** @param onProblem Told when a load cannot be described; the others still are. */
  fill(pool: FilePool, onProblem: (problem: string) => void): void {
    for (const load of this.#loads) {
      try {
        if (load.kind === 'set') pool.add(load.files.map((bytes) => ({ file: decodeFile(bytes), bytes })));
        else pool.add(compileProtos(load.sources, wellKnownFiles()).map((file) => ({ file })));
      } catch (error) {
        onProblem(error instanceof Error ? error.message : String(error));
      }
    }
  }
}

const haveSameText = (a: readonly ProtoSource[], b: readonly ProtoSource[]): boolean =>
  a.length === b.length && a.every(({ name, text }, index) => name === b[index]?.name && text === b[index].text);
