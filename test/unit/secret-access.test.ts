import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { secretAccess, checkSecretAccess, type Readers } from '#src/config/secret-access.js';
import { checkSignatureFiles } from '#src/config/signature-files.js';
import { DaemonError } from '#src/shared/errors.js';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'secret-access-')));
after(() => rmSync(base, { recursive: true }));
chmodSync(base, 0o755);

let made = 0;
/** A file of that mode in a folder of that mode. */
function secret(fileMode: number, folderMode = 0o755): string {
  const folder = join(base, String((made += 1)));
  const path = join(folder, 'key');
  mkdirSync(folder);
  writeFileSync(path, 'secret');
  chmodSync(path, fileMode);
  chmodSync(folder, folderMode);
  return path;
}

const CASES: readonly (readonly [file: number, folder: number, readers: Readers])[] = [
  [0o600, 0o755, 'owner'],
  [0o400, 0o777, 'owner'],
  [0o640, 0o755, 'group'],
  [0o644, 0o755, 'everybody'],
  [0o604, 0o755, 'everybody'],
  [0o644, 0o700, 'owner'],
  [0o644, 0o750, 'group'],
  [0o640, 0o711, 'group'],
  [0o644, 0o711, 'everybody'],
];
for (const [file, folder, readers] of CASES) {
  test(`a file of mode ${file.toString(8)} in a folder of mode ${folder.toString(8)} is for ${readers}`, () => {
    assert.equal(secretAccess(secret(file, folder))?.readers, readers);
  });
}

test('a folder further up keeps a file private, too', () => {
  const upper = join(base, 'upper');
  mkdirSync(join(upper, 'lower'), { recursive: true });
  const path = join(upper, 'lower', 'key');
  writeFileSync(path, 'secret', { mode: 0o644 });
  chmodSync(upper, 0o700);
  assert.equal(secretAccess(path)?.readers, 'owner');
});

test('of a link counts where it leads, not where it stands', () => {
  const open = join(base, 'link-to-open');
  const closed = join(base, 'link-to-closed');
  const target = secret(0o644);
  symlinkSync(target, open);
  symlinkSync(secret(0o644, 0o700), closed);
  assert.deepEqual(secretAccess(open), { readers: 'everybody', what: `mode 0644, ${target}` });
  assert.equal(secretAccess(closed)?.readers, 'owner');
});

test("another user's file is meant for us when we are in its group", { skip: process.getuid?.() !== 0 && 'needs root, to give a file away' }, () => {
  const path = secret(0o640);
  chownSync(path, 4711, process.getegid?.() ?? 0);
  // As root nobody needs a group.
  assert.equal(secretAccess(path)?.readers, 'group');
  process.seteuid?.(65_534);
  try {
    assert.equal(secretAccess(path)?.readers, 'owner');
  } finally {
    process.seteuid?.(0);
  }
});

test('what is not there is for whoever reads it to complain of', () => {
  assert.equal(secretAccess(join(base, 'nothing')), null);
});

test('one for everybody is an error that says what to do, unless that is allowed; one for a group is a warning', () => {
  const open = secret(0o644);
  const data = { 'x-key': { file: open } };
  assert.throws(() => checkSignatureFiles({ signatureData: data, allowWorldReadableKeys: false }), (error) => {
    assert.ok(error instanceof DaemonError);
    assert.equal(error.code, 'E_CONFIG_VALUE');
    assert.equal(error.message, `signatureData.x-key: ${open} can be read by every user of this machine (mode 0644).`);
    assert.match(error.hint, /chmod 600.*chmod 700.*defaultMode: 0400.*allowWorldReadableKeys: true/);
    return true;
  });
  assert.deepEqual(checkSignatureFiles({ signatureData: data, allowWorldReadableKeys: true }), []);
  const shared = secret(0o640);
  assert.deepEqual(checkSecretAccess('x', shared, 'E_CERTIFICATE', false), ['x can be read by other users (mode 0640); chmod 600 keeps it private.']);
});
