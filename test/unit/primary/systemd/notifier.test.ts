import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Notifier } from '#src/primary/systemd/notifier.js';
import { FakeClock } from '../../../support/fake-clock.js';

const EXTEND = 'EXTEND_TIMEOUT_USEC=30000000';

/** A notifier whose messages arrive when the test says so. */
class Rig {
  readonly clock = new FakeClock();
  readonly sent: string[][] = [];
  readonly events: string[] = [];
  status = 'a';
  readonly #open: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly notifier = new Notifier({
    clock: this.clock,
    emit: (name, fields) => this.events.push(`${name} ${JSON.stringify(fields)}`),
    microseconds: () => BigInt(this.clock.monotonic()) * 1000n,
    status: () => this.status,
    send: (message) => {
      this.sent.push([...message]);
      return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
    },
  });

  /** The message under way arrives, and so does everything that is sent then. */
  async arrive(): Promise<void> {
    for (let next = this.#open.shift(); next !== undefined; next = this.#open.shift()) {
      next.resolve();
      await settled();
    }
  }

  async fail(error: string): Promise<void> {
    this.#open.shift()?.reject(new Error(error));
    await settled();
  }

  /** What was sent since the last look. */
  news(): string[][] {
    return this.sent.splice(0);
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One that has said that it is ready. */
async function ready(): Promise<Rig> {
  const rig = new Rig();
  await rig.arrive();
  rig.notifier.ready();
  await rig.arrive();
  rig.news();
  return rig;
}

test('while it starts it asks for time again and again, and no more once it is ready', async () => {
  const rig = new Rig();
  assert.deepEqual(rig.news(), [['STATUS=a', EXTEND]]);
  await rig.arrive();
  rig.clock.advance(9999);
  assert.deepEqual(rig.news(), []);
  rig.clock.advance(1);
  assert.deepEqual(rig.news(), [[EXTEND]]);
  await rig.arrive();
  rig.status = 'b';
  rig.notifier.ready();
  assert.deepEqual(rig.news(), [['READY=1', 'WATCHDOG=1', 'STATUS=b']]);
  await rig.arrive();
  rig.clock.advance(60_000);
  assert.deepEqual(rig.news(), []);
});

test('a reload is announced with the time of its beginning, and its end is READY whatever the verdict', async () => {
  const rig = await ready();
  rig.clock.advance(1234);
  rig.notifier.reloading();
  assert.deepEqual(rig.news(), [['RELOADING=1', 'MONOTONIC_USEC=1234000', EXTEND]]);
  // Over before systemd has heard of its beginning: both are told, in order.
  rig.notifier.reloaded();
  assert.deepEqual(rig.news(), []);
  await rig.arrive();
  assert.deepEqual(rig.news(), [['READY=1']]);
});

test('a reload that is asked for during the start is told after READY', async () => {
  const rig = new Rig();
  await rig.arrive();
  rig.news();
  rig.notifier.reloading();
  assert.deepEqual(rig.news(), []);
  rig.notifier.ready();
  await rig.arrive();
  assert.deepEqual(rig.news(), [['READY=1', 'WATCHDOG=1'], ['RELOADING=1', 'MONOTONIC_USEC=0', EXTEND]]);
});

test('a stop is told once, asks for time while it lasts, and the reload that it ends is not told any more', async () => {
  const rig = await ready();
  rig.notifier.reloading();
  rig.notifier.stopping();
  rig.notifier.reloaded();
  rig.notifier.stopping();
  await rig.arrive();
  assert.deepEqual(rig.news(), [['RELOADING=1', 'MONOTONIC_USEC=0', EXTEND], ['STOPPING=1', EXTEND]]);
  rig.clock.advance(10_000);
  assert.deepEqual(rig.news(), [[EXTEND]]);
});

test('the status line follows at most once a second, and only when it is another one', async () => {
  const rig = await ready();
  rig.clock.advance(5000);
  for (const status of ['b', 'c', 'd']) {
    rig.status = status;
    rig.notifier.update();
    await rig.arrive();
  }
  assert.deepEqual(rig.news(), [['STATUS=b']]);
  rig.clock.advance(999);
  assert.deepEqual(rig.news(), []);
  rig.clock.advance(1);
  assert.deepEqual(rig.news(), [['STATUS=d']]);
  await rig.arrive();
  rig.notifier.update();
  rig.clock.advance(60_000);
  assert.deepEqual(rig.news(), []);
});

test('a status line is one line and no second assignment', async () => {
  const rig = await ready();
  rig.clock.advance(5000);
  rig.status = `failed:\nSTOPPING=1\r\n\u0000${'x'.repeat(1000)}`;
  rig.notifier.update();
  const [[line = ''] = []] = rig.news();
  assert.match(line, /^STATUS=failed: STOPPING=1 x+$/);
  assert.equal(line.length, 'STATUS='.length + 300);
});

test('a sign of life that is wanted while a message is under way follows it', async () => {
  const rig = await ready();
  rig.clock.advance(5000);
  rig.notifier.ping();
  rig.notifier.ping();
  rig.notifier.ping();
  await rig.arrive();
  assert.deepEqual(rig.news(), [['WATCHDOG=1'], ['WATCHDOG=1']]);
});

test('what did not arrive is sent again after five seconds, in order, and one reason is told once', async () => {
  const rig = await ready();
  rig.notifier.reloading();
  rig.notifier.reloaded();
  await rig.fail('gone');
  rig.news();
  rig.notifier.ping();
  rig.clock.advance(4999);
  assert.deepEqual(rig.news(), []);
  rig.clock.advance(1);
  assert.equal(rig.news()[0]?.[0], 'RELOADING=1');
  await rig.fail('gone');
  assert.deepEqual(rig.events, ['systemd.notify-failed {"error":"gone"}']);
  rig.clock.advance(5000);
  await rig.arrive();
  assert.deepEqual(rig.news().map(([first]) => first), ['RELOADING=1', 'READY=1']);
  rig.notifier.ping();
  await rig.fail('gone');
  assert.equal(rig.events.length, 2, 'it had worked in between');
});

test('with nobody to hear them, reloads without end leave nothing behind', async () => {
  const rig = await ready();
  rig.notifier.ping();
  await rig.fail('gone');
  for (let count = 0; count < 100; count += 1) {
    rig.notifier.reloading();
    rig.notifier.reloaded();
  }
  rig.news();
  rig.clock.advance(5000);
  await rig.arrive();
  assert.equal(rig.news().length, 8);
});

test('closed, it says nothing more and holds no timer', async () => {
  const rig = new Rig();
  rig.notifier.close();
  await rig.arrive();
  rig.notifier.stopping();
  rig.clock.advance(60_000);
  assert.equal(rig.sent.length, 1);
  assert.equal(rig.clock.pending, 0);
});
