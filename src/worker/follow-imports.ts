/** Runs in a worker: learns which modules are imported, by the cheapest hook that this Node has. */
import module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Resolution } from './import-hook.js';

/** @param stamp null when the file is not there */
export type Note = (path: string, stamp?: string | null) => void;
/** Notes what came in from another thread meanwhile. */
export type Drain = (note: Note) => void;

type Resolve = (specifier: string, context: { readonly parentURL?: string }) => { readonly url: string };

/** What Node has from 22.15 on, and its types for Node 20 do not know. */
interface SynchronousHooks {
  readonly registerHooks?: (hooks: { resolve(specifier: string, context: { readonly parentURL?: string }, next: Resolve): { readonly url: string } }) => unknown;
}

/** Undocumented, as old as Node, and the one way to see a `require` that fails. */
interface Loader {
  _resolveFilename: (this: unknown, request: string, parent: { readonly filename?: string | null } | null | undefined, ...rest: unknown[]) => string;
}

/** @param isThorough also on a Node where it takes a thread of its own (about 20 ms of CPU and 9 MB) */
export function followImports(note: Note, isThorough: boolean): Drain {
  const { registerHooks } = module as SynchronousHooks;
  if (registerHooks !== undefined) {
    registerHooks({
      resolve(specifier, context, next) {
        const wanted = wantedFile(specifier, context.parentURL);
        try {
          const result = next(specifier, context);
          if (result.url.startsWith('file:')) note(fileURLToPath(result.url));
          return result;
        } catch (error) {
          if (wanted !== undefined) note(wanted);
          throw error;
        }
      },
    });
    return () => undefined;
  }
  followRequires(note);
  return isThorough ? followInThread() : () => undefined;
}

/** The file that a relative import means; when it is not there now, it may come. */
function wantedFile(specifier: string, parentUrl: string | undefined): string | undefined {
  if (!/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined;
  const url = URL.canParse(specifier, parentUrl) ? new URL(specifier, parentUrl) : undefined;
  return url?.protocol === 'file:' ? fileURLToPath(url) : undefined;
}

/** What CommonJS failed to load is in no cache, and what it did is there too late to tell as what. */
function followRequires(note: Note): void {
  const loader = module as unknown as Loader;
  const original = loader._resolveFilename;
  loader._resolveFilename = function resolveFilename(this: unknown, request, parent, ...rest) {
    try {
      const path = original.call(this, request, parent, ...rest);
      note(path);
      return path;
    } catch (error) {
      const wanted = wantedFile(request, typeof parent?.filename === 'string' ? pathToFileURL(parent.filename).href : undefined);
      // `require('./x')` may find any of these.
      if (wanted !== undefined) for (const ending of /\.\w+$/.test(wanted) ? [''] : ['.js', '.cjs', '.ts', '.json']) note(wanted + ending);
      throw error;
    }
  };
}

/** ES modules on Node 20, whose hooks run in a thread of their own and answer before the import goes on. */
function followInThread(): Drain {
  const { port1, port2 } = new MessageChannel();
  module.register('./import-hook.js', import.meta.url, { data: { port: port2 }, transferList: [port2] });
  port1.unref();
  return (note) => {
    for (let received = receiveMessageOnPort(port1); received !== undefined; received = receiveMessageOnPort(port1)) {
      // Sent by import-hook.ts, which sends nothing else.
      const { path, stamp } = received.message as Resolution;
      note(path, stamp);
    }
  };
}
