/** Runs in the primary, with autoreload only: tells when something happens to files. What they hold is not its business. */
import { basename, join } from 'node:path';
import { toError } from '../../shared/errors.js';

/** How often files are looked at where the system does not tell, in milliseconds. */
export const POLL_INTERVAL = 500;

export interface WatchOrder {
  /** They are there. */
  readonly folders: readonly string[];
  readonly hasFile: (path: string) => boolean;
  /** Whether to look into a folder of those folders, too. */
  readonly needsFolder: (path: string) => boolean;
  /** How to learn what happens: from the system, or by looking every half second. */
  readonly by: 'system' | 'polling';
}

export interface WatchEvents {
  /** A file that was there at the beginning. */
  readonly onFound: (path: string) => void;
  /** All of them have been found. */
  readonly onReady: () => void;
  /** Something may have happened to the path: to the file, the folder, or what had that name. */
  readonly onHint: (path: string) => void;
  /** Something cannot be watched. */
  readonly onError: (error: Error) => void;
}

export interface FileWatcher {
  close(): Promise<void>;
}

export type OpenWatcher = (order: WatchOrder, events: WatchEvents) => Promise<FileWatcher>;

/**
 * Watches with chokidar, which is loaded only now. Folders are watched rather than files: a file that an editor
 * replaces by renaming, or that git deletes and writes again, is no longer the one that was watched.
 */
export const openWatcher: OpenWatcher = async ({ folders, hasFile, needsFolder, by }, events) => {
  const { watch } = await import('chokidar');
  const watcher = watch([...folders], {
    ignored: (path, stats) => (stats?.isFile() === true ? !hasFile(path) : !needsFolder(path) && !hasFile(path)),
    usePolling: by === 'polling',
    interval: POLL_INTERVAL,
    binaryInterval: POLL_INTERVAL,
  });
  let onAdd = events.onFound;
  watcher.on('ready', () => {
    onAdd = events.onHint;
    events.onReady();
  });
  watcher.on('all', (event, path) => (event === 'add' ? onAdd(path) : events.onHint(path)));
  // What the system says, before chokidar has made sense of it; it also names what is not watched by itself.
  watcher.on('raw', (_event, name, details) => {
    // The types say nothing of it: with `by: polling` it is something else.
    const { watchedPath } = (details ?? {}) as { readonly watchedPath?: string };
    if (watchedPath === undefined || typeof name !== 'string') return;
    // Its own name stands for itself: a file that was written, a folder that is gone.
    events.onHint(basename(watchedPath) === name ? watchedPath : join(watchedPath, name));
  });
  watcher.on('error', (error) => events.onError(toError(error)));
  return { close: () => watcher.close() };
};
