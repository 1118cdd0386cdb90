// What autoreload decides, on a fake clock and with a watcher that says what the test wants.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveConfig } from '#src/config/resolve.js';
import type { Config, UserConfig } from '#src/config/options.js';
import { Autoreload } from '#src/primary/autoreload/autoreload.js';
import { Batch, LONGEST_BATCH, QUIET_PERIOD } from '#src/primary/autoreload/batch.js';
import { ErrorBoard, REMINDER_DELAY } from '#src/primary/autoreload/error-board.js';
import type { FileWatcher, WatchEvents, WatchOrder } from '#src/primary/autoreload/file-watcher.js';
import type { EventName } from '#src/shared/events.js';
import { FakeClock } from '../../support/fake-clock.js';

function configOf(settings: UserConfig = {}): Config {
  const data = { servicers: ['./a.js'], autoreload: true, ...settings };
  return resolveConfig({ file: { path: '/app/config.json', data }, env: {}, flags: {}, cwd: '/app' }).config;
}

const system = (code: string): Error => Object.assign(new Error(`${code}: no space left on device, watch`), { code });

class Rig {
  readonly clock = new FakeClock();
  readonly content = new Map<string, string>();
  readonly opened: { readonly order: WatchOrder; readonly events: WatchEvents; state: 'open' | 'closed' }[] = [];
  readonly reloads: string[] = [];
  readonly events: (readonly [EventName, Readonly<Record<string, unknown>>])[] = [];
  loaded: string[] = [];
  readonly autoreload: Autoreload;

  constructor(config = configOf()) {
    this.autoreload = new Autoreload(
      {
        clock: this.clock,
        emit: (name, fields) => void this.events.push([name, fields]),
        hashes: { of: (path) => Promise.resolve(this.content.get(path) ?? 'absent') },
        open: (order, events) => this.#open(order, events),
        configFile: '/app/config.json',
        loaded: () => this.loaded,
        reload: (cause) => void this.reloads.push(cause),
      },
      config,
    );
  }

  get watcher() {
    const last = this.opened.at(-1);
    assert.ok(last, 'nothing was opened');
    return last;
  }

  async start(...files: string[]): Promise<this> {
    for (const file of files) this.content.set(file, 'one');
    this.loaded = files;
    this.autoreload.follow(configOf());
    await this.autoreload.update();
    this.watcher.events.onReady();
    await this.quiet();
    return this;
  }

  save(path: string, text: string): void {
    this.content.set(path, text);
    this.watcher.events.onHint(path);
  }

  /** Time passes in which nothing happens. */
  async quiet(): Promise<void> {
    await this.autoreload.update();
    this.clock.advance(QUIET_PERIOD);
    await this.autoreload.update();
  }

  #open(order: WatchOrder, events: WatchEvents): Promise<FileWatcher> {
    const opened = { order, events, state: 'open' as 'open' | 'closed' };
    this.opened.push(opened);
    return Promise.resolve({
      close() {
        opened.state = 'closed';
        return Promise.resolve();
      },
    });
  }
}

test('a batch is complete when it has been quiet, and after a while in any case', () => {
  const clock = new FakeClock();
  const batches: [string[], number][] = [];
  const batch = new Batch(clock, (paths, since) => void batches.push([[...paths], since]));
  batch.add(['a']);
  clock.advance(QUIET_PERIOD - 1);
  batch.add(['b', 'a']);
  clock.advance(QUIET_PERIOD - 1);
  assert.deepEqual(batches, []);
  clock.advance(1);
  assert.deepEqual(batches, [[['a', 'b'], 0]]);

  const start = clock.monotonic();
  for (let ms = 0; ms < LONGEST_BATCH + 100; ms += 50) {
    batch.add(['log']);
    clock.advance(50);
  }
  assert.deepEqual(batches[1], [['log'], start]);
  batch.clear();
  clock.advance(LONGEST_BATCH);
  assert.equal(batches.length, 2);
  assert.equal(clock.pending, 0);
});

test('only what holds something else asks for a reload, once, and names it', async () => {
  const rig = await new Rig().start('/app/a.js', '/app/b.js', '/app/c.js');
  rig.watcher.events.onHint('/app/a.js');
  await rig.quiet();
  assert.deepEqual(rig.reloads, []);
  rig.save('/app/b.js', 'two');
  rig.watcher.events.onHint('/app/a.js');
  await rig.quiet();
  rig.watcher.events.onHint('/app/b.js');
  await rig.quiet();
  assert.deepEqual(rig.reloads, ['/app/b.js']);
  rig.save('/app/a.js', 'two');
  rig.save('/app/c.js', 'two');
  await rig.quiet();
  assert.deepEqual(rig.reloads, ['/app/b.js', '/app/a.js and 1 more']);
});

test('what is saved before a reload begins belongs to it; what is saved after does not', async () => {
  const rig = await new Rig().start('/app/a.js');
  rig.save('/app/a.js', 'two');
  await rig.quiet();
  rig.save('/app/a.js', 'three');
  await rig.autoreload.begin();
  await rig.quiet();
  assert.deepEqual(rig.reloads, ['/app/a.js'], 'the reload that was asked for takes it along');
  rig.save('/app/a.js', 'four');
  await rig.quiet();
  assert.equal(rig.reloads.length, 2);
});

test('the time until the new code answers counts from the first save', async () => {
  const rig = await new Rig().start('/app/a.js');
  rig.save('/app/a.js', 'two');
  await rig.quiet();
  await rig.autoreload.begin();
  rig.clock.advance(1000);
  assert.deepEqual(rig.autoreload.answered(2), { cause: '/app/a.js', ms: QUIET_PERIOD + 1000 });
  assert.equal(rig.autoreload.answered(2), null);
  await rig.autoreload.begin();
  assert.equal(rig.autoreload.answered(3), null, 'a reload that no file asked for');
});

test('a file that was written again after it was loaded is a reload', async () => {
  const rig = await new Rig().start('/app/a.js');
  rig.loaded = ['/app/a.js', '/app/new.js'];
  rig.content.set('/app/new.js', 'one');
  void rig.autoreload.update(['/app/new.js']);
  await rig.quiet();
  assert.deepEqual(rig.reloads, ['/app/new.js']);
});

test('without inotify watches it looks by itself, says so once, and misses nothing meanwhile', async () => {
  const rig = await new Rig().start('/app/a.js');
  const first = rig.watcher;
  assert.equal(first.order.by, 'system');
  rig.content.set('/app/a.js', 'two');
  first.events.onError(system('ENOSPC'));
  first.events.onError(system('ENOSPC'));
  await rig.quiet();
  assert.equal(rig.watcher.order.by, 'polling');
  assert.equal(first.state, 'closed');
  rig.watcher.events.onReady();
  await rig.quiet();
  assert.deepEqual(rig.reloads, ['/app/a.js']);
  const warnings = rig.events.filter(([name]) => name === 'autoreload.polling');
  assert.deepEqual(warnings.map(([, { error }]) => error), ['ENOSPC: no space left on device, watch']);
  assert.equal(rig.opened.length, 2);
  first.events.onHint('/app/a.js');
  assert.equal(rig.clock.pending, 0, 'a closed watcher is not heard');
});

test('files of the settings are watched, those of a reload that failed too, and nothing once autoreload is off', async () => {
  const certificates = { serverCertificate: './s.crt', serverCertificateKey: './s.key' };
  const rig = await new Rig().start();
  const isWatched = (path: string): boolean => rig.watcher.order.hasFile(path);
  assert.deepEqual(['/app/config.json', '/app/a.js', '/app/s.crt'].map(isWatched), [true, true, false]);
  await rig.autoreload.consider(configOf({ certificates, signatureData: { key: { file: './k.txt' } }, interceptors: ['./i.js'] }));
  assert.deepEqual(['/app/s.crt', '/app/s.key', '/app/k.txt', '/app/i.js'].map(isWatched), [true, true, true, true]);
  rig.autoreload.follow(configOf({ autoreload: false }));
  assert.ok(rig.opened.every(({ state }) => state === 'closed'));
  rig.save('/app/a.js', 'two');
  await rig.quiet();
  assert.deepEqual(rig.reloads, []);
});

test('an error is shown again when other output came after it, until a reload goes well', () => {
  const clock = new FakeClock();
  let screen = '';
  const board = new ErrorBoard(clock, (text) => (screen += text));
  const report = {
    verdict: 'rolled-back', cause: 'a.ts', generation: 3, endedAt: 0, tookMs: 5, error: 'a.ts:1:2: unexpected token', hint: 'Mend it.', code: 'E_SERVICER',
    drained: [], restartRequired: [],
  } as const;
  const shown = (): number => screen.split('a.ts:1:2: unexpected token').length - 1;
  board.ended(report);
  clock.advance(REMINDER_DELAY);
  assert.equal(shown(), 1);
  assert.match(screen, /Generation 3 serves on/);
  clock.advance(60_000);
  assert.equal(shown(), 1, 'nothing came after it');
  board.noteOutput();
  board.noteOutput();
  clock.advance(REMINDER_DELAY);
  assert.equal(shown(), 2);
  board.answered('a.ts', 412);
  assert.match(screen, /a\.ts: the new code answers, 412 ms after/);
  board.noteOutput();
  clock.advance(REMINDER_DELAY);
  assert.equal(shown(), 2);
});
