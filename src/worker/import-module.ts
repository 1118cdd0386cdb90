/** Runs in workers and in the inspector; the user's files that it loads are named by the config. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Jiti } from 'jiti';
import { displayPath } from '../config/origin.js';
import { toError } from '../shared/errors.js';
import { loadedFiles } from './loaded-files.js';

/** The exports of a module, as `import * as` gives them. */
export type Exports = Readonly<Record<string, unknown>>;

const TYPESCRIPT = /\.[mc]?ts$/;
/** By the tsconfig.json that they follow; '' for none. */
const translators = new Map<string, Promise<Jiti>>();
/** The last line of a file with its map in it: nothing but base64. */
const INLINE_MAP_END = /[\w+/]{256,}={0,2}\s*$/;
/** How much of the end of a file is read to find the name of its source map, in bytes. */
const TAIL = 512;

/**
 * Imports a user's file. TypeScript goes through jiti, which is loaded only then. There the package `grpcserverd`
 * is this very one, even when the app has none installed; a JavaScript file that misses it goes the same way.
 *
 * @param file absolute path
 */
export async function importModule(file: string): Promise<Exports> {
  loadedFiles.note(file);
  if (TYPESCRIPT.test(file)) return importTypeScript(file);
  // Node reads the maps only of what it loads after this.
  if (hasSourceMap(file)) process.setSourceMapsEnabled(true);
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    if (!missesOurPackage(error)) throw error;
    return importTypeScript(file);
  }
}

/**
 * The jiti that finds packages and translates TypeScript; loaded when it is first asked for.
 * @param file whose folder, or one above it, has the tsconfig.json whose `paths` count
 */
export function loadJiti(file?: string): Promise<Jiti> {
  const tsconfig = file === undefined ? '' : findTsconfig(dirname(file));
  let translator = translators.get(tsconfig);
  if (translator === undefined) {
    translator = createTranslator(tsconfig);
    translators.set(tsconfig, translator);
  }
  return translator;
}

async function createTranslator(tsconfig: string): Promise<Jiti> {
  const [{ createJiti }, api, interceptors] = await Promise.all([import('jiti'), import('../index.js'), import('../interceptors.js')]);
  try {
    return createJiti(import.meta.url, {
      sourceMaps: true,
      // Its cache is a shared folder of the system, where another user could plant code.
      fsCache: false,
      virtualModules: { grpcserverd: api, 'grpcserverd/interceptors': interceptors },
      ...(tsconfig === '' ? {} : { tsconfigPaths: tsconfig }),
    });
  } catch (cause) {
    const { message } = toError(cause);
    // What it extends is often a package for development, which is not where it runs: its aliases are not needed there either.
    if (tsconfig !== '' && message.includes('not found')) return createTranslator('');
    // It reads the tsconfig.json, and names only what that extends.
    throw tsconfig === '' ? cause : new Error(`${displayPath(tsconfig, process.cwd())}: ${message}`, { cause });
  }
}

/** The tsconfig.json of a folder or of the next one above that has one; '' when there is none. */
function findTsconfig(folder: string): string {
  const file = join(folder, 'tsconfig.json');
  if (existsSync(file)) {
    loadedFiles.note(file);
    return file;
  }
  const parent = dirname(folder);
  return parent === folder ? '' : findTsconfig(parent);
}

/** Whether a compiler has left the name of a source map at the end of the file. */
function hasSourceMap(file: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(file, 'r');
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(TAIL, size));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    const text = tail.toString('latin1');
    return text.includes('\n//# sourceMappingURL=') || INLINE_MAP_END.test(text);
  } catch {
    // Whoever imports it says why it cannot be read.
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function importTypeScript(file: string): Promise<Exports> {
  const jiti = await loadJiti(file);
  // So that stacks name the lines of the source. It makes them dearer, and only what is translated needs it.
  process.setSourceMapsEnabled(true);
  const loaded: unknown = await jiti.import(file);
  // jiti returns what CommonJS exports as it is; for `import` that is the default export, and its members too.
  return isTranslatedModule(loaded) ? loaded : { ...(loaded as object), default: loaded };
}

const isTranslatedModule = (loaded: unknown): loaded is Exports => typeof loaded === 'object' && loaded !== null && '__esModule' in loaded;

function missesOurPackage(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') &&
    typeof message === 'string' && /Cannot find (?:package|module) 'grpcserverd(?:\/[^']*)?'/.test(message)
  );
}
