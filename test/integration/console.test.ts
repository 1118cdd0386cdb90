// What user code prints: whole lines, each with its worker, and never mistaken for the daemon's own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startDaemon, type Daemon } from '../support/daemon.js';
import type { LogRecord } from '../support/daemon-log.js';
import { servicer } from '../support/paths.js';
import { GrpcJsProbe } from '../support/probe.js';

let daemon: Daemon;
let probe: GrpcJsProbe;

before(async () => {
  daemon = await startDaemon({ config: { servicers: [servicer('prints-much.js')] } });
  probe = new GrpcJsProbe(daemon.address);
});
after(async () => {
  await probe[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
});

const printed = (match: (line: string) => boolean): Promise<LogRecord> =>
  daemon.waitFor('worker.console', ({ line }) => match(String(line)));

const print = (how: string): Promise<unknown> => probe.call('Misbehaviour/Answer', { how });

test('what the hook prints carries slot, generation and pid', async () => {
  const { slot, generation, worker, stream } = await printed((line) => line === 'printed by the hook');
  assert.deepEqual({ slot, generation, worker, stream }, { slot: 0, generation: 1, worker: daemon.workerPid(), stream: 'stdout' });
});

test('every line is a record of its own, and stderr is told apart', async () => {
  await print('lines');
  assert.equal((await printed((line) => line === 'first line')).stream, 'stdout');
  assert.equal((await printed((line) => line === 'second line')).stream, 'stdout');
  assert.equal((await printed((line) => line === 'a line of stderr')).stream, 'stderr');
  await printed((line) => line === "{ an: 'object', of: [ 1, 2 ] }");
});

test('a line that is written in parts is one line', async () => {
  await print('partial-line');
  await printed((line) => line === 'begun, and finished');
});

test('a very long line arrives whole, in pieces', async () => {
  await print('long-line');
  await printed((line) => line.endsWith('end'));
  const pieces = daemon.log.all('worker.console', ({ line }) => String(line).includes('long long') || String(line).endsWith('end'));
  assert.equal(pieces.map(({ line }) => line).join(''), `${'long '.repeat(50_000)}end`);
});

test('bytes that are no UTF-8 do no harm', async () => {
  await print('bad-utf8');
  await printed((line) => line === 'f\ufffdg');
});

test('JSON that user code prints is text, not an event', async () => {
  await print('json');
  await printed((line) => line.includes('"forged":true'));
  assert.deepEqual(daemon.log.records.filter((record) => record.forged !== undefined), []);
});

test('every line of the output is JSON', () => {
  assert.deepEqual(daemon.log.strays, []);
  assert.equal(daemon.log.stderr, '');
});

test('the last words of a worker are kept, though no newline ends them', async () => {
  await print('last-words');
  await printed((line) => line === 'no newline at the end of the last words');
});
