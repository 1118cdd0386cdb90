// Code that changes on disk while nobody asks for a reload: what serves goes on, nothing new of it is started, status says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserConfig } from '#src/config/options.js';
import { startDaemon, type Daemon } from '../support/daemon.js';
import { ROOT } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

const servicer = (word: string): string => `
  const { word } = require('./word.cjs');
  exports.grpcHook = (server, context) => {
    const { probe } = context.loadProto(${JSON.stringify(`${ROOT}test/fixtures/protos/probe.proto`)});
    const answer = (call, callback) => callback(null, { body: Buffer.from('${word} ' + word) });
    server.addService(probe.v1.Misbehaviour.service, { answer, stream: (call) => call.end() });
  };`;

const config: UserConfig = { servicers: ['./servicer.cjs'], maxWorkers: 2 };

function startApp(): Promise<Daemon> {
  return startDaemon({ config, files: { 'servicer.cjs': servicer('one'), 'word.cjs': "exports.word = 'one';" }, deadline: 90_000 });
}

async function ask(daemon: Daemon): Promise<string> {
  await using probe = new GrpcJsProbe(daemon.address);
  const { messages, code, details } = await daemon.until(probe.call('Misbehaviour/Answer', {}), 'an answer');
  assert.equal(code, 'OK', details);
  return String((messages[0] as { readonly body?: Buffer }).body);
}

async function problems(daemon: Daemon): Promise<readonly string[]> {
  const status = (await daemon.status()) as { readonly health: string } & { readonly problems?: readonly string[] };
  assert.equal(status.health, status.problems?.length === 0 ? 'healthy' : 'degraded');
  return status.problems ?? [];
}

const CHANGED = /^Code changed on disk since generation (\d) was proven: (.*); reload to use it$/;

test('after a broken save and a reload that was rolled back, a worker that is killed cannot come back; the other serves on until the file is mended', async () => {
  await using daemon = await startApp();
  assert.deepEqual(await problems(daemon), []);
  daemon.dir.write('servicer.cjs', 'exports.grpcHook = ;');
  const reload = await daemon.until(daemon.command('reload'), 'the end of the reload');
  assert.equal(reload.code, 1, reload.stderr);

  process.kill(daemon.workerPid(1), 'SIGKILL');
  const waiting = await daemon.waitFor('worker.waiting', { slot: 1 });
  assert.ok(Number(waiting.ms) > 0);
  assert.equal(await ask(daemon), 'one one');
  const said = await problems(daemon);
  assert.ok(said.some((line) => line.startsWith('Slot 1 has no ready worker (crashes in a row: ')), said.join('\n'));
  assert.ok(said.some((line) => line.startsWith('The last reload failed (rolled-back): ')), said.join('\n'));
  assert.deepEqual(said.map((line) => CHANGED.exec(line)?.slice(1)).filter((match) => match !== undefined), [['1', 'servicer.cjs']]);
  const { workers } = await daemon.status();
  assert.ok(workers.some(({ slot, state, generation }) => slot === 0 && state === 'ready' && generation === 1));

  daemon.dir.write('servicer.cjs', servicer('two'));
  const mended = await daemon.until(daemon.command('reload'), 'the end of the reload');
  assert.equal(mended.code, 0, mended.stderr);
  assert.deepEqual(await problems(daemon), []);
  assert.equal(await ask(daemon), 'two one');
});

test('the fleet does not grow into code that no reload has proven, and does when the file is as it was', async () => {
  await using daemon = await startApp();
  daemon.dir.write('word.cjs', "exports.word = 'two';");
  await daemon.until(daemon.command('scale', '3'), 'the answer of scale');
  const changed = await daemon.waitFor('code.changed');
  assert.deepEqual([changed.cause, changed.count, changed.generation, changed.level], ['word.cjs', 1, 1, 'warn']);
  assert.match((await problems(daemon)).join('\n'), /word\.cjs; reload to use it/);
  assert.equal(daemon.log.all('worker.starting').length, 2);

  daemon.dir.write('word.cjs', "exports.word = 'one';");
  assert.equal((await daemon.waitFor('worker.ready', { slot: 2 })).generation, 1);
  assert.deepEqual(await problems(daemon), []);
});

test('what a killed worker is replaced with is the code on disk, and a reload proves it', async () => {
  await using daemon = await startApp();
  daemon.dir.write('word.cjs', "exports.word = 'two';");
  for (const slot of [0, 1]) {
    process.kill(daemon.workerPid(slot), 'SIGKILL');
    await daemon.waitFor('worker.ready', { slot }, 2);
  }
  assert.equal(await ask(daemon), 'one two');
  assert.match((await problems(daemon)).join('\n'), CHANGED);
  assert.equal((await daemon.until(daemon.command('reload'), 'the end of the reload')).code, 0);
  assert.deepEqual(await problems(daemon), []);
});

for (const [language, extension, load] of [
  ['CommonJS', 'cjs', "const { word } = require('./word.cjs');"],
  ['TypeScript', 'ts', "import { word } from './word.ts';"],
] as const) {
  test(`a module of ${language} that is saved while a worker still boots is not taken for what the worker runs`, async () => {
    const exported = (word: string): string => (extension === 'ts' ? `export const word = '${word}';` : `exports.word = '${word}';`);
    const saving = `
      ${load}
      ${extension === 'ts' ? 'export async function grpcHook' : 'exports.grpcHook = async function'} (server, context) {
        const { probe } = context.loadProto(${JSON.stringify(`${ROOT}test/fixtures/protos/probe.proto`)});
        server.addService(probe.v1.Misbehaviour.service, { answer: (call, callback) => callback(null, { body: Buffer.from(word) }), stream: (call) => call.end() });
        const { writeFileSync } = await import('node:fs');
        writeFileSync('word.${extension}', ${JSON.stringify(exported('two'))});
      }`;
    const files = { [`servicer.${extension}`]: saving, [`word.${extension}`]: exported('one') };
    await using daemon = await startDaemon({ config: { servicers: [`./servicer.${extension}`], maxWorkers: 1 }, files });
    assert.equal(await ask(daemon), 'one');
    assert.deepEqual((await problems(daemon)).map((line) => CHANGED.exec(line)?.slice(1)), [['1', `word.${extension}`]]);
  });
}
