import assert from 'node:assert/strict';
import { renameSync, rmSync, utimesSync } from 'node:fs';
import { test } from 'node:test';
import { ContentHashes } from '#src/primary/code/content-hashes.js';
import { ProvenCode } from '#src/primary/code/proven-code.js';
import { ABSENT, hashWhenStamped, readStamp } from '#src/shared/file-hash.js';
import { FakeClock } from '../../support/fake-clock.js';
import { TempDir } from '../../support/temp-dir.js';

test('a hash tells content, not time: it is the same after a touch and another after any write', async () => {
  using dir = new TempDir();
  const hashes = new ContentHashes();
  const path = dir.write('a.js', 'one');
  const one = await hashes.of(path);
  utimesSync(path, 5, 5);
  assert.equal(await hashes.of(path), one);
  const seen = new Set([one]);
  // Same size, and as fast as it goes: times alone would not tell.
  for (let write = 100; write < 150; write += 1) {
    dir.write('a.js', String(write));
    seen.add(await hashes.of(path));
  }
  assert.equal(seen.size, 51);
  dir.write('b.js', 'one');
  renameSync(dir.join('b.js'), path);
  assert.equal(await hashes.of(path), one);
  rmSync(path);
  assert.equal(await hashes.of(path), ABSENT);
  assert.equal(await hashes.of(dir.path), 'folder');
});

/** What a worker would say that loads it now. */
const loaded = (path: string) => ({ path, hash: hashWhenStamped(path, readStamp(path)) });

function prove(): { code: ProvenCode; clock: FakeClock; news: string[] } {
  const clock = new FakeClock();
  const news: string[] = [];
  const code = new ProvenCode({ clock, hashes: new ContentHashes(), onChange: (generation, changed) => void news.push(`${generation}: ${changed.length}`) });
  return { code, clock, news };
}

test('a generation is proven with what its first worker loaded; each change is told once, and so is its end', async () => {
  using dir = new TempDir();
  const { code, clock, news } = prove();
  const [a, b] = [dir.write('a.js', 'one'), dir.write('b.js', 'one')];
  await code.note(1, [a, b].map(loaded));
  assert.deepEqual(await code.changes(1), []);
  dir.write('a.js', 'two');
  await code.note(1, [loaded(a)]);
  assert.deepEqual(await code.changes(1), [], 'an answer counts for a second');
  clock.advance(1000);
  assert.deepEqual(await code.changes(1), [a]);
  assert.deepEqual(code.knownChanges(1), [a]);
  clock.advance(1000);
  await Promise.all([code.changes(1), code.changes(1)]);
  dir.write('a.js', 'one');
  clock.advance(1000);
  assert.deepEqual(await code.changes(1), []);
  assert.deepEqual(news, ['1: 1', '1: 0']);
});

test('a file that is saved as soon as it was loaded has changed, and has not when it is saved as it was', async () => {
  using dir = new TempDir();
  const { code } = prove();
  const [a, b, c] = [dir.write('a.js', 'one'), dir.write('b.js', 'one'), dir.join('c.js')];
  const before = [a, b, c].map(loaded);
  // Before the primary looks at them, whether it has heard of them or not.
  dir.write('a.js', 'more');
  const rewritten = code.note(1, before);
  dir.write('c.js', 'it was not there');
  assert.deepEqual(await rewritten, [a, c]);
  assert.deepEqual(await code.changesNow(1), [a, c]);
  dir.write('a.js', 'one');
  rmSync(c);
  assert.deepEqual(await code.changesNow(1), []);
});

test('a file that was written again before anybody knew what was loaded is no proof of anything', async () => {
  using dir = new TempDir();
  const { code } = prove();
  const a = dir.write('a.js', 'one');
  const stamp = readStamp(a);
  dir.write('a.js', 'three');
  const hash = hashWhenStamped(a, stamp);
  assert.equal(hash, null);
  assert.deepEqual(await code.note(1, [{ path: a, hash }]), [a]);
  assert.deepEqual(await code.changes(1), [a]);
});

test('who has to decide hears of a file that was saved a moment ago, or while somebody was looking', async () => {
  using dir = new TempDir();
  const { code } = prove();
  const a = dir.write('a.js', 'one');
  await code.note(1, [loaded(a)]);
  assert.deepEqual(await code.changes(1), []);
  dir.write('a.js', 'two');
  assert.deepEqual(await code.changes(1), [], 'an answer counts for a second');
  assert.deepEqual(await code.changesNow(1), [a]);

  const looking = code.changesNow(1);
  dir.write('a.js', 'one');
  assert.deepEqual(await code.changesNow(1), []);
  await looking;
});

test('generations without workers are forgotten, but for the newest, which may have failed', async () => {
  const { code } = prove();
  for (const generation of [1, 2, 3, 4]) await code.note(generation, [loaded(`/${generation}.js`)]);
  code.keepOnly(new Set([2]));
  assert.deepEqual(code.files, ['/2.js', '/4.js']);
});
