// What the keeper of certificates does, with real files and a clock that the test turns.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CertificateKeeper } from '#src/primary/certificate-keeper.js';
import { LOOK_INTERVAL } from '#src/primary/file-keeper.js';
import { PATIENCE } from '#src/primary/file-trouble.js';
import { RETRY_INTERVAL } from '#src/primary/followed-files.js';
import type { UserConfig } from '#src/config/options.js';
import type { Generation } from '#src/primary/generation.js';
import type { ToWorker } from '#src/ipc/messages.js';
import type { EventName } from '#src/shared/events.js';
import { readCertificates } from '#src/config/certificates.js';
import { makeTestCertificates, testCertificate, writeTestPair, type TestCertificates, type TestPair } from '../../support/certificates.js';
import { FakeClock } from '../../support/fake-clock.js';
import { generationOf } from '../../support/generation.js';
import { TempDir } from '../../support/temp-dir.js';

const DAY = 86_400_000;

/** The certificates of the tests are valid now. */
class TodaysClock extends FakeClock {
  readonly #start = Date.now();

  override now(): number {
    return this.#start + this.monotonic();
  }
}

let made: TempDir;
let set: TestCertificates;
let soon: TestPair;
let verySoon: TestPair;
let brieflyTrusted: TestPair;
before(async () => {
  made = new TempDir();
  set = await makeTestCertificates(made.path);
  const server = (days: readonly [number, number]) =>
    testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server', hosts: ['localhost'], days });
  soon = writeTestPair(made.path, 'soon', await server([-1, 31.5]));
  verySoon = writeTestPair(made.path, 'very-soon', await server([-1, 2.5]));
  brieflyTrusted = writeTestPair(made.path, 'brief', await testCertificate({ key: 'ca', commonName: 'brief', purpose: 'authority', days: [-1, 2.5] }));
});
after(() => made[Symbol.dispose]());

class Rig implements Disposable {
  readonly dir = new TempDir();
  readonly clock = new TodaysClock();
  readonly events: (readonly [EventName, Readonly<Record<string, unknown>>, string | undefined])[] = [];
  readonly sent: [generation: number, certificate: string][] = [];
  readonly generations: Generation[] = [];
  serving = [1];
  changes = 0;
  readonly keeper = new CertificateKeeper({
    clock: this.clock,
    emit: (name, fields, level) => void this.events.push([name, fields, level]),
    generations: () => this.serving,
    generationOf: (number) => this.generation(number),
    workers: () => this.generations.map((_, index) => ({ generation: index + 1, send: (message) => this.#take(index + 1, message) })),
    onChange: () => void (this.changes += 1),
  });

  constructor(pair = set.server, root?: TestPair) {
    this.put(pair);
    if (root !== undefined) this.dir.write('ca.crt', root.pem.certificate);
    this.addGeneration(root === undefined ? {} : { certificates: { ...this.#paths, rootCertificate: this.dir.join('ca.crt') }, clientAuthentication: 'require' });
    this.keeper.start();
  }

  get #paths() {
    return { serverCertificate: this.dir.join('server.crt'), serverCertificateKey: this.dir.join('server.key') };
  }

  generation(number: number): Generation {
    const generation = this.generations[number - 1];
    assert.ok(generation);
    return generation;
  }

  addGeneration(settings: UserConfig = {}): Generation {
    const generation = generationOf({ authentication: 'ssl', certificates: this.#paths, ...settings });
    generation.tls = readCertificates(generation.config, new Date(this.clock.now()));
    this.generations.push(generation);
    return generation;
  }

  put({ pem }: Pick<TestPair, 'pem'>): void {
    this.dir.write('server.crt', pem.certificate);
    this.dir.write('server.key', pem.key, 0o600);
  }

  /** Time passes, look by look. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += LOOK_INTERVAL) {
      this.clock.advance(LOOK_INTERVAL);
      await this.keeper.idle();
    }
  }

  get names(): EventName[] {
    return this.events.map(([name]) => name);
  }

  last(): Readonly<Record<string, unknown>> {
    return this.events.at(-1)?.[1] ?? {};
  }

  [Symbol.dispose](): void {
    this.keeper.close();
    this.dir[Symbol.dispose]();
  }

  #take(generation: number, message: ToWorker): boolean {
    assert.equal(message.type, 'set-certificates');
    this.sent.push([generation, message.tls.pem.certificate]);
    return true;
  }
}

describe('certificate files that change', { timeout: 30_000 }, () => {
  test('are swapped in once they have come to rest, and stay the same to those that start later', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(set.otherServer);
    await rig.pass(LOOK_INTERVAL);
    assert.deepEqual(rig.sent, [], 'not at the first look');
    await rig.pass(LOOK_INTERVAL);
    assert.deepEqual(rig.sent, [[1, set.otherServer.pem.certificate]]);
    const order = rig.generation(1).startMessage(0, 1, 1);
    assert.equal(order.tls?.pem.certificate, set.otherServer.pem.certificate);
    assert.deepEqual([rig.names, rig.changes], [['certificates.replaced'], 1]);
    assert.equal(rig.last().subject, 'CN=localhost');
    await rig.pass(60_000);
    assert.equal(rig.sent.length, 1);
  });

  test('are noticed although they changed before the first look', async () => {
    using rig = new Rig();
    rig.put(set.otherServer);
    await rig.pass(2 * LOOK_INTERVAL);
    assert.deepEqual(rig.names, ['certificates.replaced']);
  });

  test('are nothing new when they hold the same', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(set.server);
    await rig.pass(10_000);
    assert.deepEqual([rig.names, rig.sent], [[], []]);
  });

  test('are read although they never come to rest', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(set.otherServer);
    for (let second = 1; second < 12; second += 1) {
      utimesSync(rig.dir.join('server.crt'), second, second);
      await rig.pass(LOOK_INTERVAL);
    }
    assert.deepEqual(rig.names, ['certificates.replaced']);
  });

  test('are noticed when the change keeps size and time of modification', async () => {
    using rig = new Rig(set.server);
    const twin = writeTestPair(made.path, 'twin', await testCertificate({ key: 'leaf', commonName: 'localhost', purpose: 'server', hosts: ['localhost'] }));
    for (const file of ['server.crt', 'server.key']) utimesSync(rig.dir.join(file), 1, 1);
    await rig.pass(3000);
    rig.put(twin);
    for (const file of ['server.crt', 'server.key']) utimesSync(rig.dir.join(file), 1, 1);
    await rig.pass(2 * LOOK_INTERVAL);
    assert.deepEqual(rig.names, ['certificates.replaced']);
  });

  test('reach every generation that takes connections, each by what its own settings name', async () => {
    using rig = new Rig();
    const elsewhere = { serverCertificate: set.chained.certificate, serverCertificateKey: set.chained.key };
    rig.addGeneration();
    rig.addGeneration({ certificates: elsewhere });
    rig.serving = [3, 1, 2, 1];
    await rig.pass(3000);
    rig.put(set.otherServer);
    await rig.pass(3000);
    assert.deepEqual(rig.sent.map(([number]) => number), [1, 2]);
    assert.deepEqual(rig.names, ['certificates.replaced']);
    assert.equal(rig.last().workers, 2);
  });

  test('are the newest ones also to a reload that read them and to a generation that did not', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    const late = rig.addGeneration();
    rig.put(set.otherServer);
    assert.equal(rig.keeper.read(late.config)?.pem.certificate, set.otherServer.pem.certificate);
    rig.serving = [2, 1];
    await rig.pass(LOOK_INTERVAL);
    assert.deepEqual(rig.sent.map(([number]) => number), [2, 1]);
  });

  test('carry their warnings along', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(verySoon);
    await rig.pass(3000);
    assert.deepEqual(rig.names, ['certificates.replaced', 'certificates.expiring']);
    const [, fields, level] = rig.events[0] ?? [];
    assert.equal(level, 'warn');
    assert.match(String(fields?.warnings), /"CN=localhost" expires on .*, in 2 days/);
  });

  test('are followed through a link up the way that is exchanged', async () => {
    using rig = new Rig();
    const mounted = (name: string, pair: TestPair): void => {
      for (const [file, text] of [['tls.crt', pair.pem.certificate], ['tls.key', pair.pem.key]] as const) rig.dir.write(`${name}/${file}`, text, 0o600);
    };
    mounted('..one', set.server);
    symlinkSync('..one', rig.dir.join('..data'));
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, rig.dir.join(file));
    rig.addGeneration({ certificates: { serverCertificate: rig.dir.join('tls.crt'), serverCertificateKey: rig.dir.join('tls.key') } });
    rig.serving = [2];
    await rig.pass(3000);
    mounted('..two', set.otherServer);
    symlinkSync('..two', rig.dir.join('..fresh'));
    renameSync(rig.dir.join('..fresh'), rig.dir.join('..data'));
    rmSync(rig.dir.join('..one'), { recursive: true });
    await rig.pass(3000);
    assert.deepEqual(rig.sent, [[2, set.otherServer.pem.certificate]]);
  });

  test('are looked at no more after the end', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(set.otherServer);
    rig.keeper.close();
    await rig.pass(3000);
    assert.deepEqual([rig.clock.pending, rig.names], [0, []]);
  });
});

function makeKeyFolder({ dir }: Rig): void {
  rmSync(dir.join('server.key'));
  mkdirSync(dir.join('server.key'));
}

const BAD: Readonly<Record<string, readonly [spoil: (rig: Rig) => void, message: RegExp]>> = {
  'cut short': [(rig) => rig.dir.write('server.crt', set.otherServer.pem.certificate.slice(0, 300)), /serverCertificate: .*server\.crt is damaged or cut short/],
  'empty': [(rig) => rig.dir.write('server.key', ''), /server\.key is empty/],
  'gone': [(rig) => rmSync(rig.dir.join('server.key')), /server\.key does not exist/],
  'no file': [makeKeyFolder, /server\.key is a folder/],
  'no pair': [(rig) => rig.put(set.mismatched), /key does not match/],
  'out of order': [(rig) => rig.put(set.wrongOrder), /out of order/],
  'expired': [(rig) => rig.put(set.expiredServer), /expired on/],
  'not valid yet': [(rig) => rig.put(set.notYetValidServer), /not valid before/],
};

describe('certificate files that are no good', { timeout: 30_000 }, () => {
  for (const [what, [spoil, message]] of Object.entries(BAD)) {
    test(`(${what}) leave the last good pair in use and are told of once, and again when mended`, async () => {
      using rig = new Rig();
      await rig.pass(3000);
      spoil(rig);
      await rig.pass(PATIENCE);
      assert.deepEqual(rig.names, [], 'it may pass');
      assert.equal(rig.keeper.problemOf(rig.generation(1).config), null);
      await rig.pass(10 * RETRY_INTERVAL);
      assert.deepEqual([rig.names, rig.sent], [['certificates.refused'], []]);
      assert.match(String(rig.last().error), message);
      assert.match(String(rig.keeper.problemOf(rig.generation(1).config)), message);
      assert.equal(rig.last().validUntil, rig.generation(1).tls?.validUntil.toISOString().replace('.000', ''));
      assert.throws(() => rig.keeper.read(rig.generation(1).config), message, 'a reload is refused');

      rmSync(rig.dir.join('server.key'), { recursive: true, force: true });
      rig.put(set.server);
      await rig.pass(3000);
      assert.deepEqual(rig.names, ['certificates.refused', 'certificates.mended']);
      assert.equal(rig.keeper.problemOf(rig.generation(1).config), null);
    });
  }

  test('are not told of when they were so for a moment only', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.dir.write('server.key', set.otherServer.pem.key);
    rig.dir.write('server.crt', '');
    await rig.pass(2000);
    rig.dir.write('server.crt', set.otherCa.pem.certificate);
    await rig.pass(2000);
    rig.put(set.otherServer);
    await rig.pass(20_000);
    assert.deepEqual(rig.names, ['certificates.replaced']);
  });

  test('are told of again for another problem, but not for the first one again', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    for (const spoil of ['', 'no PEM', '']) {
      rig.dir.write('server.crt', spoil);
      await rig.pass(20_000);
    }
    assert.deepEqual(rig.events.map(([, { error }]) => String(error).replace(/.*server\.crt /, '')), [
      'is empty.',
      'is not PEM: it has no line "-----BEGIN ...-----".',
    ]);
    rig.put(set.otherServer);
    await rig.pass(3000);
    rig.dir.write('server.crt', '');
    await rig.pass(20_000);
    assert.deepEqual(rig.names.slice(2), ['certificates.replaced', 'certificates.refused'], 'after it was mended it is news');
  });

  test('are told of once although the time of day is in the message', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    for (let time = 1; time < 5; time += 1) {
      rig.put(set.expiredServer);
      await rig.pass(20_000);
    }
    assert.deepEqual(rig.names, ['certificates.refused']);
  });

  test('are taken when only their time had to come', async () => {
    using rig = new Rig();
    await rig.pass(3000);
    rig.put(set.notYetValidServer);
    await rig.pass(10_000);
    rig.clock.advance(DAY);
    await rig.keeper.idle();
    await rig.pass(RETRY_INTERVAL);
    assert.deepEqual(rig.names.slice(0, 2), ['certificates.refused', 'certificates.replaced']);
  });
});

describe('a certificate that is about to expire', { timeout: 30_000 }, () => {
  /** A day passes, with two looks at its end. */
  async function passDay(rig: Rig): Promise<void> {
    rig.clock.advance(DAY - 2 * LOOK_INTERVAL);
    await rig.keeper.idle();
    await rig.pass(2 * LOOK_INTERVAL);
  }
  const told = (rig: Rig): unknown[] => rig.events.map(([name, { days }, level]) => [name, days, level]);

  test('is told of below 30 days', async () => {
    using rig = new Rig(soon);
    await rig.pass(3000);
    await passDay(rig);
    assert.deepEqual(told(rig), []);
    await passDay(rig);
    assert.deepEqual(told(rig), [['certificates.expiring', 29, 'warn']]);
  });

  test('is told of once when fewer than 30, 7 and 1 days are left, and every day when it has expired', async () => {
    using rig = new Rig(soon);
    await rig.pass(3000);
    for (let day = 1; day <= 34; day += 1) await passDay(rig);
    assert.deepEqual(told(rig), [29, 6, 0, -1, -2, -3].map((days) => ['certificates.expiring', days, days < 0 ? 'error' : 'warn']));
  });

  test('is told of the moment it expires, whenever it was told last', async () => {
    using rig = new Rig(verySoon);
    await rig.pass(3000);
    await passDay(rig);
    await passDay(rig);
    rig.clock.advance(DAY / 2);
    await rig.keeper.idle();
    await rig.pass(3000);
    assert.deepEqual(told(rig).slice(1), [['certificates.expiring', 0, 'warn'], ['certificates.expiring', -1, 'error']]);
  });

  test('is told of no more once it is replaced', async () => {
    using rig = new Rig(verySoon);
    await rig.pass(3000);
    rig.put(set.server);
    await rig.pass(3000);
    for (let day = 1; day < 4; day += 1) await passDay(rig);
    assert.deepEqual(rig.names, ['certificates.expiring', 'certificates.replaced']);
  });

  test('is told of too when it is that of an authority, whose end is said once', async () => {
    using rig = new Rig(set.server, brieflyTrusted);
    await rig.pass(3000);
    for (let day = 1; day <= 5; day += 1) await passDay(rig);
    const authority = rig.events.filter(([, { certificate }]) => certificate === 'authority');
    assert.deepEqual(authority.map(([, { subject, days }, level]) => [subject, days, level]), [['CN=brief', 2, 'warn'], ['CN=brief', 0, 'warn'], ['CN=brief', -1, 'error']]);
    assert.equal(rig.events.length, authority.length, 'the server has a certificate for long');
  });

  test('is told of although it stands in the config as text', async () => {
    using rig = new Rig();
    rig.addGeneration({ certificates: { serverCertificate: verySoon.pem.certificate, serverCertificateKey: verySoon.pem.key } });
    rig.serving = [2];
    await rig.pass(3000);
    assert.deepEqual(rig.names, ['certificates.expiring']);
  });
});

test('an authority that is replaced goes to the workers', async () => {
  using rig = new Rig(set.server, set.ca);
  await rig.pass(3000);
  writeFileSync(rig.dir.join('ca.crt'), set.otherCa.pem.certificate);
  await rig.pass(3000);
  assert.deepEqual([rig.names, rig.last().authorities], [['certificates.replaced'], ['CN=Other CA']]);
  assert.equal(rig.generation(1).startMessage(0, 1, 1).tls?.pem.authorities, set.otherCa.pem.certificate);
});

test('without TLS nothing is looked at', async () => {
  using rig = new Rig();
  rig.generations[0] = generationOf();
  rig.dir.write('server.crt', '');
  await rig.pass(20_000);
  assert.deepEqual(rig.names, []);
});
