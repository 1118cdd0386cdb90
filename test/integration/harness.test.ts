// The harness itself: what it promises to notice, it notices.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDaemon } from '../support/daemon.js';
import { followPage } from '../support/docs/reader.js';
import { servicer } from '../support/paths.js';
import { HAS_PROC } from '../support/processes.js';
import { TempDir } from '../support/temp-dir.js';

test('a process that is left behind fails the disposal, and is ended', { skip: !HAS_PROC && 'needs /proc' }, async () => {
  const daemon = await startDaemon({ config: { servicers: [servicer('leaves-a-child.js')] } });
  await assert.rejects(daemon[Symbol.asyncDispose](), /processes are left/);
  await daemon.deadline.poll(() => (daemon.processes().length === 0 ? true : undefined), 'the end of the child');
});

test('a file that is left in the runtime folder fails the disposal', async () => {
  const daemon = await startDaemon();
  daemon.dir.write('run/forgotten.sock', '');
  await assert.rejects(daemon[Symbol.asyncDispose](), /files are left in the runtime folder/);
});

test('an event that does not come is reported with the whole log', async () => {
  await using daemon = await startDaemon({ deadline: 3000 });
  await assert.rejects(daemon.waitFor('worker.silent'), /still not: the event worker\.silent[^]*daemon\.ready/);
});

test('an exit before the awaited event is reported at once, with the whole log', async () => {
  await assert.rejects(startDaemon({ config: { servicers: [servicer('crashes-on-boot.js')], startTimeout: '2s' } }), /It exited before daemon\.ready[^]*exit code 3/);
});

test('a page of the documentation that promises too much is told by its line', async () => {
  using dir = new TempDir();
  const page = (...lines: string[]) => dir.write('page.md', lines.join('\n'));
  await assert.rejects(followPage(page('```console', '$ echo one', 'two', '```')), /line 2: "echo one" did not print "two"/);
  await assert.rejects(followPage(page('```console', '$ false', '```')), /line 2: the exit code of "false"/);
  await assert.rejects(followPage(page('', '```js', 'let it = "be";', '```')), /line 2: a block that is no file/);
  await assert.rejects(followPage(page('```yaml', 'workers: 4', '```')), /line 1: [^]*maxWorkers/);
  await followPage(page('```json file=a.json', '{}', '```', '```console', '$ cat a.json # the file', '{}', '$ false # exits 1', '```'));
});
