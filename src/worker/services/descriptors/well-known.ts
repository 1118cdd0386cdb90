/**
 * Runs in workers: the files google/protobuf/*.proto that protobufjs knows without reading them, and so may be
 * imported from nowhere.
 */
import { readFileSync } from 'node:fs';
import { bundledProto } from './codec.js';
import { compileProtos } from './compiler.js';
import type { FileDescriptor } from './file-descriptor.js';
import { importsOf } from './proto-tokens.js';

/** Written out in this package; protobufjs has these as JSON only. */
const OWN = ['any', 'duration', 'empty', 'field_mask', 'struct', 'timestamp', 'wrappers'];
const BUNDLED = ['api', 'descriptor', 'source_context', 'type'];
const FOLDER = 'google/protobuf/';
const NAMES = new Set([...OWN, ...BUNDLED].map((name) => `${FOLDER}${name}.proto`));

/** The well-known file that protobufjs takes an import for, wherever it seems to be. */
export function wellKnownName(path: string): string | undefined {
  const start = path.lastIndexOf(FOLDER);
  const name = start < 0 ? '' : path.slice(start);
  return NAMES.has(name) ? name : undefined;
}

let cached: ReadonlyMap<string, FileDescriptor> | undefined;

export function wellKnownFiles(): ReadonlyMap<string, FileDescriptor> {
  cached ??= new Map(compileProtos([...NAMES].map(readSource), new Map()).map((file) => [file.name, file]));
  return cached;
}

function readSource(name: string): { name: string; text: string; imports: Map<string, string> } {
  const isOwn = OWN.some((own) => name === `${FOLDER}${own}.proto`);
  const text = isOwn ? readFileSync(new URL(`../${name}`, import.meta.url), 'utf8') : bundledProto(name);
  return { name, text, imports: new Map(importsOf(text).map(({ path }) => [path, path])) };
}
