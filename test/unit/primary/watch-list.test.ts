import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matchesPattern, patternBase } from '#src/primary/autoreload/path-pattern.js';
import { WatchList } from '#src/primary/autoreload/watch-list.js';

describe('a pattern', () => {
  for (const [pattern, base, matching, other] of [
    ['/a/b.js', '/a/b.js', ['/a/b.js', '/a/b.js/c'], ['/a/b.jsx', '/a/bxjs', '/a']],
    ['/a/src', '/a/src', ['/a/src', '/a/src/x/y.ts'], ['/a/srcs', '/a']],
    ['/a/*.js', '/a', ['/a/b.js', '/a/.js'], ['/a/b/c.js', '/a/b.ts']],
    ['/a/**/*.js', '/a', ['/a/b.js', '/a/b/c/d.js'], ['/ab.js', '/a/b.mjs.map']],
    ['/a/b*/c', '/a', ['/a/b/c', '/a/bb/c/d'], ['/a/b/x/c']],
    ['/a/?.(x)', '/a', ['/a/b.(x)'], ['/a/bb.(x)', '/a/b.x']],
    ['/a/**', '/a', ['/a/b', '/a/b/c'], ['/b']],
    ['/*.js', '/', ['/a.js'], ['/a/b.js']],
  ] as const) {
    test(`${pattern} is looked for in ${base}`, () => {
      assert.equal(patternBase(pattern), base);
      const matches = matchesPattern(pattern);
      assert.deepEqual(matching.filter((path) => !matches(path)), []);
      assert.deepEqual(other.filter(matches), []);
    });
  }
});

test('files are watched but for those excluded; includes add files, never those of node_modules or .git', () => {
  const list = new WatchList(['/app/b.js', '/app/a.js', '/app/gen/x.js', '/app/b.js'], { include: ['/app/views/**/*.html'], exclude: ['/app/gen', '/app/**/*.tmp.html'] });
  assert.deepEqual([...list.files], ['/app/a.js', '/app/b.js']);
  const yes = ['/app/a.js', '/app/views/i.html', '/app/views/x/y.html'];
  const no = ['/app/gen/x.js', '/app/c.js', '/app/views/x.tmp.html', '/app/views/node_modules/x/y.html', '/app/views/.git/y.html'];
  assert.deepEqual(yes.filter((path) => !list.hasFile(path)), []);
  assert.deepEqual(no.filter((path) => list.hasFile(path)), []);
});

test('only folders that may hold watched files are looked into', () => {
  const list = new WatchList(['/app/src/a.js', '/lib/linked/b.js'], { include: ['/app/views'], exclude: ['/app/views/old'] });
  assert.deepEqual(['/app/src', '/app', '/lib/linked', '/app/views', '/app/views/deep'].filter((path) => !list.needsFolder(path)), []);
  assert.deepEqual(['/app/other', '/lib/x', '/app/views/old', '/app/views/node_modules'].filter((path) => list.needsFolder(path)), []);
  assert.deepEqual(list.filesBelow('/app/src'), ['/app/src/a.js']);
  assert.deepEqual(list.filesBelow('/app/other'), []);
});
