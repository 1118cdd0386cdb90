/** Runs in workers and in the inspector; the user's files that it loads are named by the config. */
import { pathToFileURL } from 'node:url';
import type { Jiti } from 'jiti';
import { loadedFiles } from './loaded-files.js';

/** The exports of a module, as `import * as` gives them. */
export type Exports = Readonly<Record<string, unknown>>;

const TYPESCRIPT = /\.[mc]?ts$/;
let translator: Promise<Jiti> | undefined;

/**
 * Imports a user's file. TypeScript goes through jiti, which is loaded only then. There the package `grpcserverd`
 * is this very one, even when the app has none installed; a JavaScript file that misses it goes the same way.
 *
 * @param file absolute path
 */
export async function importModule(file: string): Promise<Exports> {
  loadedFiles.note(file);
  if (TYPESCRIPT.test(file)) return importTypeScript(file);
  try {
    return (await import(pathToFileURL(file).href)) as Exports;
  } catch (error) {
    if (!missesOurPackage(error)) throw error;
    return importTypeScript(file);
  }
}

/** The jiti that finds packages and translates TypeScript; loaded when it is first asked for. */
export function loadJiti(): Promise<Jiti> {
  translator ??= (async () => {
    const [{ createJiti }, api, interceptors] = await Promise.all([import('jiti'), import('../index.js'), import('../interceptors.js')]);
    return createJiti(import.meta.url, {
      sourceMaps: true,
      // Its cache is a shared folder of the system, where another user could plant code.
      fsCache: false,
      virtualModules: { grpcserverd: api, 'grpcserverd/interceptors': interceptors },
    });
  })();
  return translator;
}

async function importTypeScript(file: string): Promise<Exports> {
  const jiti = await loadJiti();
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
