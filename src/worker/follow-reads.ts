/**
 * Runs in a worker, with autoreload only: notes the .proto files and descriptor sets that are read without
 * context.loadProto, as proto-loader and protobufjs do it.
 */
import fs from 'node:fs';
import { resolve } from 'node:path';

const SCHEMA = /\.(?:proto|binpb|pb|protoset|desc)$/;

/** Only those who call through the object of CommonJS are seen, which proto-loader does; named imports of it are not touched. */
export function followReads(note: (path: string) => void): void {
  const wrap = (name: 'readFile' | 'readFileSync'): void => {
    // Both take the path first, and hand back whatever the original does.
    const original = fs[name] as (...parameters: unknown[]) => unknown;
    const following = (...parameters: unknown[]): unknown => {
      const [path] = parameters;
      if (typeof path === 'string' && SCHEMA.test(path)) note(resolve(path));
      return original(...parameters);
    };
    Object.assign(fs, { [name]: Object.assign(following, original) });
  };
  wrap('readFile');
  wrap('readFileSync');
}
