// The real watcher on a real folder, by the system and by polling: whatever happens to a file, it says so.
import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { openWatcher, POLL_INTERVAL, type WatchOrder } from '#src/primary/autoreload/file-watcher.js';
import { deferred } from '#src/shared/deferred.js';
import { Deadline } from '../../support/deadline.js';
import { TempDir } from '../../support/temp-dir.js';

for (const by of ['system', 'polling'] satisfies WatchOrder['by'][]) {
  test(`by ${by}: writing, replacing, deleting and making files again, in folders that are new too`, async () => {
    using dir = new TempDir();
    const deadline = new Deadline(20_000);
    const file = dir.write('a.js', 'one');
    const later = dir.join('new/folder/b.js');
    const folders = [dir.path, dir.join('new'), dir.join('new/folder')];
    const ready = deferred();
    const found: string[] = [];
    let hints = new Map<string, () => void>();
    const watcher = await openWatcher(
      { folders: [dir.path], hasFile: (path) => path === file || path === later, needsFolder: (path) => folders.includes(path), by },
      {
        onFound: (path) => void found.push(path),
        onReady: () => ready.resolve(),
        onHint: (path) => hints.get(path)?.(),
        onError: (error) => assert.fail(error),
      },
    );
    const hinted = async (path: string, act: () => unknown): Promise<void> => {
      const hint = new Promise<void>((resolve) => (hints = new Map([[path, resolve]])));
      act();
      // When it polls, chokidar reads a folder at most once a second, and what happens between two reads may be
      // noticed only with the next save.
      const again = by === 'polling' ? setInterval(act, 3 * POLL_INTERVAL) : undefined;
      await deadline.wait(hint, `a hint about ${path}`);
      clearInterval(again);
    };
    try {
      await deadline.wait(ready.promise, 'the watcher');
      assert.deepEqual(found, [file]);
      await hinted(file, () => dir.write('a.js', 'two, longer'));
      await hinted(file, () => {
        dir.write('a.js.tmp', 'three');
        renameSync(dir.join('a.js.tmp'), file);
      });
      await hinted(file, () => dir.write('a.js', 'four, after it was replaced'));
      await hinted(file, () => rmSync(file, { force: true }));
      await hinted(file, () => dir.write('a.js', 'five'));
      await hinted(later, () => dir.write('new/folder/b.js', 'one'));
      await hinted(later, () => dir.write('new/folder/b.js', 'two, longer'));
    } finally {
      await watcher.close();
    }
  });
}
